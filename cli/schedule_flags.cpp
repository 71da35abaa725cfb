#include "cli/schedule_flags.hpp"

#include "cli/job_flags.hpp"
#include "client/check_job.hpp"
#include "config/time_zone_file.hpp"
#include "core/json_text.hpp"

#include <algorithm>
#include <array>

namespace jobrunner {
namespace {

void check_overlap(const std::string& overlap)
{
    constexpr std::array<std::string_view, 4> known{"skip", "queue", "allow", "replace"};
    if (std::ranges::find(known, overlap) == known.end()) {
        throw Error(ErrorKind::usage,
            "--overlap: is \"" + overlap + "\"; skip, queue, allow or replace was expected");
    }
}

void check_missed(const std::string& missed)
{
    try {
        (void)parse_missed(missed);
    } catch (const Error& error) {
        throw Error(ErrorKind::usage, std::string("--missed: ") + error.what());
    }
}

// Columns of its jobs, checked like those of a job.
std::string columns_of(const ScheduleFlags& flags, const NewSchedule& schedule, TimePoint now)
{
    JobFlags job_flags;
    job_flags.queue = flags.queue;
    job_flags.priority = flags.priority;
    job_flags.max_attempts = flags.max_attempts;
    job_flags.timeout = flags.timeout;
    job_flags.unique_key = flags.unique_key;
    job_flags.tags = flags.tags;
    NewJob job = to_new_job(job_flags, now);
    job.kind = schedule.kind;
    job.args = schedule.args;
    check_new_job(job);
    JsonObject columns;
    if (job.queue) {
        columns.text("queue", *job.queue);
    }
    if (job.priority) {
        columns.number("priority", *job.priority);
    }
    if (job.max_attempts) {
        columns.number("max_attempts", *job.max_attempts);
    }
    if (job.timeout) {
        // A number of seconds means the same to both databases.
        columns.raw("timeout", std::to_string(static_cast<double>(job.timeout->count()) / 1000.0));
    }
    if (job.unique_key) {
        columns.text("unique_key", *job.unique_key);
    }
    if (!job.tags.empty()) {
        columns.texts("tags", job.tags);
    }
    return columns.str();
}

} // namespace

void add_schedule_flags(CLI::App& command, ScheduleFlags& flags)
{
    command.add_option("--cron", flags.cron, "When: five or six fields, @daily, @every 90s")
        ->required()
        ->type_name("EXPRESSION");
    command.add_option("--kind", flags.kind, "What to run")->required()->type_name("KIND");
    add_text(command, "--time-zone", flags.time_zone, "Whose clocks count (default: UTC)", "ZONE");
    add_text(command, "--args", flags.args, "Args of its jobs, a JSON object", "JSON");
    add_text(command, "--overlap", flags.overlap,
        "While an earlier run is unfinished: skip, queue (default), allow, replace", "RULE");
    add_text(command, "--missed", flags.missed,
        "Due times that no worker was there for: none, last (default), all up to N", "RULE");
    add_text(command, "--jitter", flags.jitter, "Delays each run by up to that long", "LENGTH");
    add_text(command, "--queue", flags.queue, "Queue of its jobs", "QUEUE");
    add_text(command, "--priority", flags.priority, "Priority of its jobs", "NUMBER");
    add_text(command, "--max-attempts", flags.max_attempts, "Attempts of each job", "NUMBER");
    add_text(command, "--timeout", flags.timeout, "For one attempt", "LENGTH");
    add_text(command, "--unique-key", flags.unique_key, "Due times are left out while a job has it", "KEY");
    add_texts(command, "--tag", flags.tags, "Tags of its jobs", "TAG");
    command.add_flag("--replace", flags.replace, "Change one that is there");
}

NewSchedule to_new_schedule(const ScheduleFlags& flags, TimePoint now)
{
    check_name(flags.name, "NAME");
    NewSchedule schedule;
    schedule.name = flags.name;
    schedule.expression = flags.cron.value_or("");
    (void)ScheduleExpression(schedule.expression);
    schedule.time_zone = flags.time_zone.value_or(schedule.time_zone);
    (void)find_time_zone(schedule.time_zone);
    schedule.kind = flags.kind;
    if (flags.args) {
        check_json_object(*flags.args, "--args");
        schedule.args = *flags.args;
    }
    schedule.overlap = flags.overlap.value_or(schedule.overlap);
    check_overlap(schedule.overlap);
    schedule.missed = flags.missed.value_or(schedule.missed);
    check_missed(schedule.missed);
    if (flags.jitter) {
        schedule.jitter = read_length(*flags.jitter, "--jitter");
        if (schedule.jitter > std::chrono::hours{24}) {
            throw Error(ErrorKind::usage, "--jitter: is over a day; at most 1d was expected");
        }
    }
    schedule.options = columns_of(flags, schedule, now);
    return schedule;
}

} // namespace jobrunner
