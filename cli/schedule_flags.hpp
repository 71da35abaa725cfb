#pragma once

#include "cli/command_tree.hpp"
#include "storage/schedules.hpp"

#include <optional>
#include <string>
#include <vector>

namespace jobrunner {

struct ScheduleFlags {
    std::string name;
    std::optional<std::string> cron;
    std::optional<std::string> time_zone;
    std::string kind;
    std::optional<std::string> args;
    std::optional<std::string> overlap;
    std::optional<std::string> missed;
    std::optional<std::string> jitter;
    std::optional<std::string> queue;
    std::optional<std::string> priority;
    std::optional<std::string> max_attempts;
    std::optional<std::string> timeout;
    std::optional<std::string> unique_key;
    std::vector<std::string> tags;
    bool replace = false;
    std::optional<std::string> count; // preview
    std::optional<std::string> from;  // preview
};

// Those of `schedules add`.
void add_schedule_flags(CLI::App& command, ScheduleFlags& flags);

// Throws Error{usage} that names the flag.
[[nodiscard]] NewSchedule to_new_schedule(
    const ScheduleFlags& flags, std::chrono::sys_time<Milliseconds> now);

} // namespace jobrunner
