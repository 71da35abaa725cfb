#pragma once

#include "core/limit_room.hpp"
#include "storage/limits.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace jobrunner {

// A job that stands in a line, with every limit on it.
struct LineJob {
    JobId id = 0;
    std::string queue;
    int priority = 0;
    std::int64_t cost = 1;
    std::vector<JobLimit> limits;
};

// What holds a line.
struct LineLimit {
    JobLimit limit;
    LimitScope scope = LimitScope::queue;
    std::string name;
};

// The lines of held jobs, within a transaction that nobody else admits beside.
class LimitLines {
public:
    LimitLines() = default;
    LimitLines(const LimitLines&) = delete;
    LimitLines& operator=(const LimitLines&) = delete;
    virtual ~LimitLines() = default;

    // The cost of running jobs, by line of the limits on them.
    [[nodiscard]] virtual std::map<std::string, std::int64_t> running() = 0;
    // The first line after that one, in an order that stays.
    [[nodiscard]] virtual std::optional<std::string> line_after(const std::string& line) = 0;
    // The limit of a line; nothing when it was removed.
    [[nodiscard]] virtual std::optional<LineLimit> limit_of(const std::string& line) = 0;
    // The first jobs of a line that the worker can run, by priority and place, locked for this transaction.
    [[nodiscard]] virtual std::vector<LineJob> jobs_of(const std::string& line, int limit) = 0;
    [[nodiscard]] virtual LineStarts starts_within(const std::string& line, Milliseconds period) = 0;
    virtual void move(JobId job, const std::string& line) = 0;
    // Puts a bounded number of a line's jobs back into the claim order.
    virtual void release(const std::string& line) = 0;
    virtual void note_starts(const std::map<std::string, std::int64_t>& cost_by_line) = 0;
};

struct Admitted {
    std::vector<std::int64_t> jobs; // to be claimed in the same transaction
    bool has_lines = false;
    std::optional<Milliseconds> again;
    std::string last_line;
};

// After `seen` jobs of a lane were looked at, of `look_at` at most, and `moved` aside: what an ordinary claim may take from
// it. It must not read on beyond them, or its floor would pass limited jobs that stand there.
void leave_to_claim(LaneClaim& lane, int look_at, int seen, int moved);

// Chooses held jobs that may run: line by line, beginning after the line at which the last call stopped, each line in its
// order. A job that another limit holds moves to that one's line.
//
// Jobs of the request's lanes wait, too. Held ones that are less urgent than the most urgent of those stay; equally urgent
// ones get half of the room.
[[nodiscard]] Admitted admit_limited(LimitLines& lines, const LimitedRequest& request);

} // namespace jobrunner
