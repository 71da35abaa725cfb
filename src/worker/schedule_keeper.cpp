#include "worker/schedule_keeper.hpp"

#include "config/time_zone_file.hpp"
#include "core/error.hpp"
#include "core/schedule_plan.hpp"
#include "worker/worker_log.hpp"

namespace jobrunner {
namespace {

constexpr int due_batch = 200;
constexpr std::chrono::milliseconds soon{50}; // while another worker is at it, or more are due
constexpr std::chrono::milliseconds while_runs_wait{1000};
constexpr std::chrono::milliseconds longest{5000};

SchedulePlan plan_of(const DueSchedule& schedule)
{
    const auto zone = find_time_zone(schedule.time_zone);
    auto plan = plan_schedule(ScheduleExpression(schedule.expression), *zone, schedule.due, schedule.now,
        parse_missed(schedule.missed));
    if (!plan.next) {
        throw Error(ErrorKind::usage, "it is not due within ten years");
    }
    for (auto& run : plan.runs) {
        run.delay = jitter_delay(schedule.name, run.due, schedule.jitter);
    }
    return plan;
}

// Works out a schedule and writes what came of it.
void fire(Storage& storage, const DueSchedule& schedule)
{
    ScheduleFiring firing{schedule.name, schedule.expression, schedule.time_zone, schedule.due, {}};
    try {
        firing.plan = plan_of(schedule);
    } catch (const Error& error) {
        spdlog::warn(
            "schedule_failed schedule={} error={}", log_value(schedule.name), log_value(error.what()));
        storage.fail_schedule(schedule, error.what());
        return;
    }
    if (storage.fire_schedule(firing) && !firing.plan.runs.empty()) {
        spdlog::debug(
            "schedule_fired schedule={} runs={}", log_value(schedule.name), firing.plan.runs.size());
    }
}

} // namespace

void ScheduleKeeper::set_declared(std::optional<std::vector<NewSchedule>> declared)
{
    const std::lock_guard lock(mutex_);
    unwritten_ = std::move(declared);
}

std::chrono::milliseconds ScheduleKeeper::keep(Storage& storage)
{
    const bool declared = write_declared(storage);
    std::unique_lock lock(mutex_);
    if (declared || Clock::now() >= next_look_) {
        next_look_ = Clock::time_point{}; // should the look fail
        lock.unlock();
        const auto next = Clock::now() + fire_due(storage);
        lock.lock();
        next_look_ = next;
    }
    return std::chrono::ceil<std::chrono::milliseconds>(
        std::max(next_look_ - Clock::now(), Clock::duration::zero()));
}

bool ScheduleKeeper::saw(const ScheduleOutlook& outlook)
{
    const std::lock_guard lock(mutex_);
    const auto next = Clock::now() + wait_after(outlook);
    const bool sooner = next + soon < next_look_;
    // What is due already stays due: it may be in keep()'s hands.
    if (sooner || next_look_ > Clock::now()) {
        next_look_ = next;
    }
    return sooner;
}

std::chrono::milliseconds ScheduleKeeper::wait_after(const ScheduleOutlook& outlook)
{
    const auto at_most = outlook.waiting ? while_runs_wait : longest;
    const auto next = outlook.next.value_or(at_most);
    return next == Milliseconds{0} ? soon : std::min<std::chrono::milliseconds>(next, at_most);
}

std::chrono::milliseconds ScheduleKeeper::fire_due(Storage& storage)
{
    auto outlook = storage.schedule_outlook();
    if (outlook.waiting) {
        storage.release_runs();
    }
    if (outlook.next == Milliseconds{0}) {
        for (const auto& schedule : storage.due_schedules(due_batch)) {
            fire(storage, schedule);
        }
        outlook = storage.schedule_outlook();
    }
    return wait_after(outlook);
}

// Whether it wrote something.
bool ScheduleKeeper::write_declared(Storage& storage)
{
    std::optional<std::vector<NewSchedule>> declared;
    {
        const std::lock_guard lock(mutex_);
        declared = std::exchange(unwritten_, std::nullopt);
    }
    if (!declared) {
        return false;
    }
    try {
        storage.put_schedules(*declared, "config", true);
    } catch (const Error& error) {
        if (error.kind() == ErrorKind::refused) {
            spdlog::error("schedules_refused error={}", log_value(error.what()));
            return false;
        }
        const std::lock_guard lock(mutex_);
        if (!unwritten_) {
            unwritten_ = std::move(declared);
        }
        throw;
    }
    return true;
}

} // namespace jobrunner
