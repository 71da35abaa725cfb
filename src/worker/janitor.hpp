#pragma once

#include "worker/schedule_keeper.hpp"
#include "worker/storage_loop.hpp"

#include <atomic>
#include <functional>
#include <optional>
#include <vector>

namespace jobrunner {

// Does what any worker may do for all: takes back lost workers' jobs, cancels expired ones, keeps history and
// statistics in order, enqueues what schedules are due. In slices; one job that cannot be taken back does not stop the others.
//
// Threads: run() on one of its own; the rest from any.
class Janitor {
public:
    // `reread` is given this thread's storage about once a second.
    Janitor(OpenStorage open, std::vector<Milliseconds> keeps, std::function<void(Storage&)> reread);

    // There may be lost workers or expired jobs.
    void nudge()
    {
        upkeep_ = true;
        pause_.nudge();
    }
    // Jobs run here, which leaves more to tidy.
    void note_work() { worked_ = true; }
    // What somebody else's look has just found.
    void saw_schedules(const ScheduleOutlook& outlook)
    {
        if (schedules_.saw(outlook)) {
            pause_.nudge();
        }
    }
    // What the configuration declares; nothing: it says nothing of schedules.
    void set_schedules(std::optional<std::vector<NewSchedule>> declared)
    {
        schedules_.set_declared(std::move(declared));
    }
    void run(const std::stop_token& stop);
    // From any thread.
    [[nodiscard]] ConnectionFigures connection() const { return storage_.figures(); }

private:
    void upkeep(Storage& storage, const std::stop_token& stop);
    void rescue(Storage& storage, const std::stop_token& stop);
    void settle_each(Storage& storage, const std::vector<Settlement>& ends);
    void expire(Storage& storage, const std::stop_token& stop);

    StorageHolder storage_;
    std::vector<Milliseconds> keeps_;
    std::function<void(Storage&)> reread_;
    ScheduleKeeper schedules_;
    Pause pause_;
    std::atomic<bool> upkeep_{true};
    std::atomic<bool> worked_{false};
};

} // namespace jobrunner
