#include "cli/job_table.hpp"

#include "cli/finished_jobs.hpp"
#include "cli/time_for_people.hpp"

namespace jobrunner {
namespace {

// The instant that says most about the job as it is: its end, its claim, or when it may run.
std::optional<Instant> telling_instant(const JobRow& job)
{
    if (job.finished_at) {
        return job.finished_at;
    }
    return job.state == JobState::running ? job.claimed_at : std::optional(job.run_at);
}

std::string detail(const JobRow& job)
{
    const bool in_trouble = job.state != JobState::completed && job.state != JobState::running;
    const std::string trouble = in_trouble ? trouble_of(job) : "";
    return trouble.empty() ? job.args : trouble;
}

} // namespace

Table make_job_table()
{
    return Table({{.title = "ID", .right = true}, {.title = "STATE"}, {.title = "KIND", .may_shrink = true},
        {.title = "QUEUE", .may_shrink = true}, {.title = "ATTEMPT", .right = true}, {.title = "WHEN"},
        {.title = "ERROR OR ARGS", .may_shrink = true}});
}

void add_job(Table& table, const JobRow& job, TimePoint now)
{
    table.add({std::to_string(job.id), std::string(to_string(job.state)), job.kind, job.queue,
        attempts_text(job), short_time(now, telling_instant(job)), detail(job)});
}

std::string attempts_text(const JobRow& job)
{
    const std::string attempt = std::to_string(job.attempt);
    return job.max_attempts ? attempt + "/" + std::to_string(*job.max_attempts) : attempt;
}

} // namespace jobrunner
