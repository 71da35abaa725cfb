#pragma once

#include "executor/boot_clock.hpp"
#include "executor/descriptor.hpp"

#include <optional>

namespace jobrunner {

// Wakes the supervisor when the worker's lease has passed, also if the host slept meanwhile.
class LeaseTimer {
public:
    LeaseTimer(); // throws std::system_error

    // Becomes readable when the lease has passed.
    [[nodiscard]] int descriptor() const { return timer_.get(); }

    void set(BootClock::time_point until);

    // Never, before the first set().
    [[nodiscard]] bool has_passed() const { return until_ && *until_ <= BootClock::now(); }

    // After the descriptor became readable.
    void acknowledge() const;

private:
    Descriptor timer_;
    std::optional<BootClock::time_point> until_;
};

} // namespace jobrunner
