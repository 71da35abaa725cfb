#pragma once

#include "storage/storage.hpp"

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace jobrunner {

// When and how a worker claims jobs that are under limits; see admit_limited() for which of them it gets.
//
// Threads: the dispatcher's.
class LimitedClaims {
public:
    using Clock = std::chrono::steady_clock;

    // Takes in what a look saw. True: there are limits that were not there at the look before.
    bool learn(bool limits, bool held);
    // Whether to ask, with jobs in the lanes or without.
    [[nodiscard]] bool wanted(bool has_lanes) const;
    // Claims for the request's worker and batch, at most its limit, and takes from its lanes what must be left alone.
    [[nodiscard]] std::vector<ClaimedJob> claim(Storage& storage, ClaimRequest& request,
        std::vector<std::string> queues, std::map<std::string, int> queue_room);
    // Whether the last claim moved jobs aside: there may be more behind them.
    [[nodiscard]] bool moved() const { return moved_; }
    // When time alone may let more jobs go, or another worker is done; far away where neither is to be expected.
    [[nodiscard]] Clock::time_point next() const { return next_; }
    // Whether jobs wait for nothing but time.
    [[nodiscard]] bool waits() const { return next_ != Clock::time_point::max(); }

private:
    bool limits_ = false;
    bool held_ = false;
    bool moved_ = false;
    bool meets_many_ = false; // jobs under limits came up in the lanes lately
    std::string last_line_;
    Clock::time_point next_ = Clock::time_point::max();
};

} // namespace jobrunner
