#pragma once

#include "core/duration.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace jobrunner {

// One limit as it holds for one job.
struct JobLimit {
    std::string line;                    // the jobs that share it with this one
    std::optional<std::int64_t> at_most; // cost that runs at once
    std::optional<std::int64_t> starts;  // cost that starts within `period`
    Milliseconds period{0};
};

// What has started in a line within its period.
struct LineStarts {
    std::int64_t cost = 0;
    std::optional<Milliseconds> free_in; // until the oldest of it is out of the period
};

// Decides which jobs still fit under the limits that they are under, while one transaction admits them.
//
// A job counts for its cost, and for no more than a limit allows in all: one that costs more than that may run alone.
//
// Threads: not thread-safe. Time: none; starts are counted by whoever asks.
class LimitRoom {
public:
    // `running`: the cost that runs, by line.
    explicit LimitRoom(std::map<std::string, std::int64_t> running) : running_(std::move(running)) {}

    [[nodiscard]] bool knows_starts(const std::string& line) const { return started_.contains(line); }
    void set_starts(const std::string& line, const LineStarts& starts);

    // Whether a line has no room for any job. Requires: its starts are known, if it limits them.
    [[nodiscard]] bool is_full(const JobLimit& limit);

    // Takes room under every limit of a job, or under none: then it returns the line of the first one that is full.
    // Requires: the starts of all lines that limit them are known.
    [[nodiscard]] std::optional<std::string> take(std::int64_t cost, const std::vector<JobLimit>& limits);

    // The starts taken here, by line.
    [[nodiscard]] const std::map<std::string, std::int64_t>& fresh_starts() const { return fresh_; }
    // Until time alone may make room in a line that was found full.
    [[nodiscard]] std::optional<Milliseconds> again() const { return again_; }

private:
    [[nodiscard]] bool fits(std::int64_t cost, const JobLimit& limit);

    std::map<std::string, std::int64_t> running_;
    std::map<std::string, LineStarts> started_;
    std::map<std::string, std::int64_t> fresh_;
    std::optional<Milliseconds> again_;
};

} // namespace jobrunner
