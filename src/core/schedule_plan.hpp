#pragma once

#include "core/duration.hpp"
#include "core/schedule_expression.hpp"

#include <chrono>
#include <optional>
#include <string_view>
#include <vector>

namespace jobrunner {

// What becomes of due times that no worker was there for.
struct MissedRuns {
    enum class Rule { none, last, all };
    Rule rule = Rule::last;
    std::size_t at_most = 1; // all: the latest of them
};

inline constexpr std::size_t missed_runs_max = 1000;

// Reads "none", "last" or "all up to N". Throws Error{usage} that quotes the text.
[[nodiscard]] MissedRuns parse_missed(std::string_view text);

struct ScheduleRun {
    std::chrono::sys_seconds due;
    Milliseconds delay{0}; // of the job, after that
};

struct SchedulePlan {
    std::vector<ScheduleRun> runs;                // to be enqueued now, oldest first
    std::optional<std::chrono::sys_seconds> next; // nothing: never again
};

// What a schedule whose next due time was `due` has to do by `now`. With rule `none` the latest due time still runs
// within a minute of it; nothing known to be due (it is new, or was paused or changed) starts it from now.
// `jitter` delays each run by up to as much, always by the same length for one name and due time.
[[nodiscard]] SchedulePlan plan_schedule(const ScheduleExpression& expression, const ZoneRules& zone,
    std::optional<std::chrono::sys_seconds> due, std::chrono::sys_seconds now, const MissedRuns& missed);
[[nodiscard]] Milliseconds jitter_delay(
    std::string_view name, std::chrono::sys_seconds due, Milliseconds jitter);

} // namespace jobrunner
