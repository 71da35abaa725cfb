#pragma once

#include "core/job.hpp"
#include "core/schedule_plan.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace jobrunner {

// What somebody declares: a row of `schedules`.
struct NewSchedule {
    std::string name;
    std::string expression;
    std::string time_zone = "UTC";
    std::string kind;
    std::string args = "{}";
    std::string options = "{}"; // a JSON object of further columns of its jobs
    std::string overlap =
        "queue"; // skip, queue, allow or replace: what a due time does while an earlier run is unfinished
    std::string missed = "last"; // none, last or "all up to N"
    Milliseconds jitter{0};
};

struct ScheduleRow {
    NewSchedule declared;
    std::optional<Instant> next_at; // nothing: not worked out yet, or never again
    std::optional<Instant> paused_at;
    std::string source;                 // config, cli or sql
    std::optional<std::string> problem; // why it does not run
};

// One due time, or one run that somebody asked for.
struct ScheduleRunRow {
    Instant due_at;
    Instant noted_at;
    std::optional<JobId> job;
    std::string outcome; // enqueued, waiting, skipped, refused or run now
};

struct ScheduleOutlook {
    std::optional<Milliseconds> next; // until some schedule has something to do; 0: now, nothing: never
    bool waiting = false;             // some run waits for an earlier one to finish
};

struct DueSchedule {
    std::string name;
    std::string expression;
    std::string time_zone;
    std::string missed;
    Milliseconds jitter{0};
    std::optional<std::chrono::sys_seconds> due;
    std::chrono::sys_seconds now; // of the database's clock
};

// What to do about a due schedule, as worked out from what it was when it was read.
struct ScheduleFiring {
    std::string name;
    std::string expression;
    std::string time_zone;
    std::optional<std::chrono::sys_seconds> due;
    SchedulePlan plan;
};

} // namespace jobrunner
