#pragma once

#include "core/duration.hpp"

#include <algorithm>
#include <chrono>
#include <optional>

namespace jobrunner {

// How long to wait before another child is started, after children that ended without having done anything: twice as
// long after each of them, from 200 ms to a minute.
//
// Threads: not thread-safe.
class ServiceBackoff {
public:
    using Time = std::chrono::steady_clock::time_point;

    // Returns the wait.
    Milliseconds failed(Time now)
    {
        failures_ = std::min(failures_ + 1, failures_max);
        const Milliseconds wait = std::min(shortest * (1 << (failures_ - 1)), longest);
        until_ = now + wait;
        return wait;
    }
    // A child has done something: the next failure is the first.
    void worked() { failures_ = 0; }
    // A child may be started at once, whatever came before.
    void release() { until_.reset(); }

    [[nodiscard]] int failures() const { return failures_; }
    [[nodiscard]] bool waits(Time now) const { return until_ && now < *until_; }
    // When the wait is over; it may be so already.
    [[nodiscard]] std::optional<Time> until() const { return until_; }

private:
    static constexpr Milliseconds shortest{200};
    static constexpr Milliseconds longest{60'000};
    static constexpr int failures_max = 10;

    int failures_ = 0; // in a row
    std::optional<Time> until_;
};

} // namespace jobrunner
