#pragma once

#include "config/config.hpp"
#include "core/job.hpp"

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace jobrunner {

// Gathers the jobs of kinds that are run many at a time, until there are enough of a kind or the first has waited long enough.
//
// Threads: all methods from any thread. `start` is called from the thread of an add() or from the gatherer's own. It may add
// further jobs; remove() waits until no start() is under way, so that a job is either here or started.
class ChunkGatherer {
public:
    using Start = std::function<void(const std::vector<ClaimedJob>&)>;

    explicit ChunkGatherer(Start start);

    void add(const ClaimedJob& job, const ChunkConfig& chunk);
    // Takes a job out again. False: it is not here, or was started.
    [[nodiscard]] bool remove(const ClaimToken& token);
    // Takes all of them out.
    [[nodiscard]] std::vector<ClaimToken> clear();

private:
    using Clock = std::chrono::steady_clock;

    struct Gathered {
        std::vector<ClaimedJob> jobs;
        Clock::time_point due;
    };

    void start(std::unique_lock<std::mutex>& lock, std::map<std::string, Gathered>::iterator gathered);
    void watch(const std::stop_token& stop);
    [[nodiscard]] std::map<std::string, Gathered>::iterator next_due();

    const Start start_;
    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::condition_variable started_;
    int starting_ = 0;                      // calls of `start` that have not returned
    std::map<std::string, Gathered> kinds_; // those with jobs
    std::jthread clock_;                    // begins with the first job; last: it uses the rest
};

} // namespace jobrunner
