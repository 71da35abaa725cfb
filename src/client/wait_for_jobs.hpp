#pragma once

#include "storage/storage.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <span>

namespace jobrunner {

// Monotonic time and sleep, so that waiting can be tested without either.
struct WaitClock {
    std::function<std::chrono::steady_clock::time_point()> now;
    std::function<void(Milliseconds)> sleep;
};

// The clock of the host.
[[nodiscard]] WaitClock host_clock();

// How long to sleep between looks: 100 ms at first, growing to 1 s.
class PollPause {
public:
    [[nodiscard]] Milliseconds next();
    void reset() { pause_ = least; }

    static constexpr Milliseconds least{100};
    static constexpr Milliseconds most{1000};

private:
    Milliseconds pause_ = least;
};

// Called once for each job when it has finished; without a row when it is gone: finished and not kept, or deleted.
using JobFinished = std::function<void(JobId id, const std::optional<JobRow>& job)>;

// Waits until all jobs have finished, or `at_most` has passed. Returns whether they have.
// Throws Error{not_found} when one of them does not exist at the first look.
[[nodiscard]] bool wait_for_jobs(Storage& storage, std::span<const JobId> ids,
    std::optional<Milliseconds> at_most, const WaitClock& clock, const JobFinished& finished);

} // namespace jobrunner
