#pragma once

#include "storage/storage.hpp"

#include <chrono>
#include <mutex>
#include <optional>
#include <vector>

namespace jobrunner {

// Enqueues the jobs of schedules when they are due, and makes the database's schedules those of the configuration. Any
// number of workers do so at once: a due time is noted once, whoever comes first.
//
// Threads: keep() on one; the rest from any.
class ScheduleKeeper {
public:
    // Written at the next keep(). Nothing leaves the database as it is.
    void set_declared(std::optional<std::vector<NewSchedule>> declared);

    // Does all that is due, and returns how long to wait until something may be again; called earlier, it asks the database
    // nothing. One that cannot be worked out is set aside and does not stop the others. Throws Error like Storage.
    // A schedule that somebody adds or changes by other ways is seen within five seconds.
    [[nodiscard]] std::chrono::milliseconds keep(Storage& storage);
    // What a look of somebody else's has just found: spares this one its own. Whether something is due sooner than
    // keep() has said.
    [[nodiscard]] bool saw(const ScheduleOutlook& outlook);

private:
    using Clock = std::chrono::steady_clock;

    bool write_declared(Storage& storage);
    [[nodiscard]] static std::chrono::milliseconds fire_due(Storage& storage);
    [[nodiscard]] static std::chrono::milliseconds wait_after(const ScheduleOutlook& outlook);

    std::mutex mutex_;
    std::optional<std::vector<NewSchedule>> unwritten_;
    Clock::time_point next_look_{};
};

} // namespace jobrunner
