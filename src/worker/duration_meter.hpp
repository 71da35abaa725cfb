#pragma once

#include "core/worker_figures.hpp"

#include <chrono>
#include <mutex>

namespace jobrunner {

// Measures how long something takes, also where it throws.
//
// Threads: thread-safe.
class DurationMeter {
public:
    template <typename Run>
    decltype(auto) measure(Run&& run)
    {
        const Running running{*this};
        return run();
    }
    [[nodiscard]] DurationCounts counts() const
    {
        const std::lock_guard lock(mutex_);
        return counts_;
    }

private:
    using Clock = std::chrono::steady_clock;
    struct Running {
        explicit Running(DurationMeter& of) : meter(of) {}
        Running(const Running&) = delete;
        Running& operator=(const Running&) = delete;
        ~Running()
        {
            const std::chrono::duration<double> took = Clock::now() - began;
            const std::lock_guard lock(meter.mutex_);
            meter.counts_.add(took.count());
        }
        DurationMeter& meter;
        Clock::time_point began = Clock::now();
    };

    mutable std::mutex mutex_;
    DurationCounts counts_;
};

} // namespace jobrunner
