#include "storage/postgres/rows.hpp"

#include "storage/postgres/params.hpp"

#include <algorithm>
#include <charconv>

namespace jobrunner::postgres {
namespace {

std::optional<int> maybe_int(const pqxx::field& field)
{
    return field.is_null() ? std::nullopt : std::optional(static_cast<int>(number(field)));
}

int small(const pqxx::field& field)
{
    return static_cast<int>(number(field));
}

} // namespace

std::string text(const pqxx::field& field)
{
    return {field.c_str(), field.size()};
}

std::int64_t number(const pqxx::field& field)
{
    std::int64_t value = 0;
    std::from_chars(field.c_str(), field.c_str() + field.size(), value);
    return value;
}

bool truth(const pqxx::field& field)
{
    return field.c_str()[0] == 't';
}

std::optional<std::string> maybe_text(const pqxx::field& field)
{
    return field.is_null() ? std::nullopt : std::optional(text(field));
}

std::optional<std::int64_t> maybe_number(const pqxx::field& field)
{
    return field.is_null() ? std::nullopt : std::optional(number(field));
}

std::optional<Milliseconds> maybe_length(const pqxx::field& field)
{
    return field.is_null() ? std::nullopt : std::optional(Milliseconds(number(field)));
}

ClaimedJob claimed_job(const pqxx::row& row, WorkerId worker)
{
    ClaimedJob job;
    job.token = {number(row[0]), static_cast<std::int32_t>(number(row[1])), worker};
    job.kind = text(row[2]);
    job.queue = text(row[3]);
    job.priority = small(row[4]);
    job.position = number(row[5]);
    job.args = text(row[6]);
    job.attempt = small(row[7]);
    job.attempt_limit = small(row[8]);
    job.timeout = maybe_length(row[9]);
    job.traceparent = maybe_text(row[10]);
    job.crashes = small(row[11]);
    job.snoozes = small(row[12]);
    job.give_backs = small(row[13]);
    job.checkpoint = maybe_text(row[14]);
    return job;
}

std::vector<ClaimedJob> claimed_jobs(const pqxx::result& rows, WorkerId worker)
{
    std::vector<ClaimedJob> jobs;
    jobs.reserve(static_cast<std::size_t>(rows.size()));
    for (const auto& row : rows) {
        jobs.push_back(claimed_job(row, worker));
    }
    // Priority and position are the claim order.
    std::sort(jobs.begin(), jobs.end(), [](const ClaimedJob& a, const ClaimedJob& b) {
        return std::pair(a.priority, a.position) < std::pair(b.priority, b.position);
    });
    return jobs;
}

JobRow job_row(const pqxx::row& row)
{
    JobRow job;
    job.id = number(row[0]);
    job.state = parse_job_state(text(row[1])).value_or(JobState::available);
    job.kind = text(row[2]);
    job.queue = text(row[3]);
    job.priority = small(row[4]);
    job.args = text(row[5]);
    job.run_at = text(row[6]);
    job.created_at = text(row[7]);
    job.started_at = maybe_text(row[8]);
    job.claimed_at = maybe_text(row[9]);
    job.finished_at = maybe_text(row[10]);
    job.expires_at = maybe_text(row[11]);
    job.attempt = small(row[12]);
    job.max_attempts = maybe_int(row[13]);
    job.fence = small(row[14]);
    job.worker = maybe_number(row[15]);
    job.crashes = small(row[16]);
    job.snoozes = small(row[17]);
    job.give_backs = small(row[18]);
    job.timeout = maybe_length(row[19]);
    job.unique_key = maybe_text(row[20]);
    job.tags = parse_text_array(text(row[21]));
    job.meta = text(row[22]);
    job.reason = maybe_text(row[23]);
    job.result = maybe_text(row[24]);
    job.output = maybe_text(row[25]);
    job.error = maybe_text(row[26]);
    job.cpu_ms = maybe_number(row[27]);
    job.max_rss_bytes = maybe_number(row[28]);
    job.read_bytes = maybe_number(row[29]);
    job.write_bytes = maybe_number(row[30]);
    return job;
}

AttemptRow attempt_row(const pqxx::row& row)
{
    AttemptRow attempt;
    attempt.fence = small(row[0]);
    attempt.attempt = small(row[1]);
    attempt.worker = maybe_number(row[2]);
    attempt.started_at = maybe_text(row[3]);
    attempt.finished_at = text(row[4]);
    attempt.outcome = text(row[5]);
    attempt.error_class = maybe_text(row[6]);
    attempt.error = maybe_text(row[7]);
    attempt.exit_code = maybe_int(row[8]);
    attempt.signal = maybe_int(row[9]);
    attempt.cpu_ms = maybe_number(row[10]);
    attempt.max_rss_bytes = maybe_number(row[11]);
    attempt.read_bytes = maybe_number(row[12]);
    attempt.write_bytes = maybe_number(row[13]);
    attempt.output = maybe_text(row[14]);
    attempt.backtrace = maybe_text(row[15]);
    return attempt;
}

QueueRow queue_row(const pqxx::row& row)
{
    return {.queue = text(row[0]),
        .paused = truth(row[1]),
        .available = number(row[2]),
        .scheduled = number(row[3]),
        .blocked = number(row[4]),
        .running = number(row[5]),
        .retryable = number(row[6]),
        .dead = number(row[7]),
        .oldest_age = maybe_length(row[8]),
        .completed_per_minute = number(row[9]),
        .failed_per_minute = number(row[10]),
        .slots = maybe_int(row[11]),
        .weight = maybe_int(row[12])};
}

KindStatsRow kind_stats_row(const pqxx::row& row, int first)
{
    return {.kind = text(row[first]),
        .completed = number(row[first + 1]),
        .failed = number(row[first + 2]),
        .dead = number(row[first + 3]),
        .cancelled = number(row[first + 4]),
        .snoozed = number(row[first + 5]),
        .released = number(row[first + 6]),
        .crashed = number(row[first + 7]),
        .run_ms = number(row[first + 8]),
        .wait_ms = number(row[first + 9])};
}

WorkerRow worker_row(const pqxx::row& row)
{
    return {.id = number(row[0]),
        .name = text(row[1]),
        .host = text(row[2]),
        .pid = small(row[3]),
        .version = text(row[4]),
        .state = text(row[5]),
        .slots = small(row[6]),
        .running = small(row[7]),
        .started_at = text(row[8]),
        .heartbeat_at = text(row[9]),
        .lease_until = text(row[10]),
        .labels = parse_text_array(text(row[11])),
        .queues = parse_text_array(text(row[12])),
        .kinds = parse_text_array(text(row[13])),
        .report = text(row[14])};
}

} // namespace jobrunner::postgres
