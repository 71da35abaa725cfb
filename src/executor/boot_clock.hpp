#pragma once

#include <chrono>
#include <cstdint>

namespace jobrunner {

// CLOCK_BOOTTIME: monotonic, shared by all processes of a host, and running while the host sleeps.
// Leases are measured on it.
struct BootClock {
    using duration = std::chrono::nanoseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<BootClock>;
    static constexpr bool is_steady = true;

    [[nodiscard]] static time_point now() noexcept;
};

} // namespace jobrunner
