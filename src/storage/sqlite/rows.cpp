#include "storage/sqlite/rows.hpp"

#include "core/text.hpp"

#include <nlohmann/json.hpp>

namespace jobrunner::sqlite {

ClaimedJob claimed_job(const Statement& row, WorkerId worker)
{
    ClaimedJob job;
    job.token = {row.number(0), row.integer(1), worker};
    job.kind = row.text(2);
    job.queue = row.text(3);
    job.priority = row.integer(4);
    job.position = job.token.job;
    job.args = row.text(5);
    job.attempt = row.integer(6);
    job.attempt_limit = row.integer(7);
    job.timeout = row.maybe_length(8);
    job.traceparent = row.maybe_text(9);
    job.crashes = row.integer(10);
    job.snoozes = row.integer(11);
    job.give_backs = row.integer(12);
    job.checkpoint = row.maybe_text(14);
    return job;
}

JobRow job_row(const Statement& row)
{
    JobRow job;
    job.id = row.number(0);
    job.state = parse_job_state(row.text(1)).value_or(JobState::available);
    job.kind = row.text(2);
    job.queue = row.text(3);
    job.priority = row.integer(4);
    job.args = row.text(5);
    job.run_at = row.text(6);
    job.created_at = row.text(7);
    job.started_at = row.maybe_text(8);
    job.claimed_at = row.maybe_text(9);
    job.finished_at = row.maybe_text(10);
    job.expires_at = row.maybe_text(11);
    job.attempt = row.integer(12);
    job.max_attempts = row.maybe_integer(13);
    job.fence = row.integer(14);
    job.worker = row.maybe_number(15);
    job.crashes = row.integer(16);
    job.snoozes = row.integer(17);
    job.give_backs = row.integer(18);
    job.timeout = row.maybe_length(19);
    job.unique_key = row.maybe_text(20);
    job.tags = parse_texts(row.text(21));
    job.meta = row.text(22);
    job.reason = row.maybe_text(23);
    job.result = row.maybe_text(24);
    job.output = row.maybe_text(25);
    job.error = row.maybe_text(26);
    job.cpu_ms = row.maybe_number(27);
    job.max_rss_bytes = row.maybe_number(28);
    job.read_bytes = row.maybe_number(29);
    job.write_bytes = row.maybe_number(30);
    return job;
}

AttemptRow attempt_row(const Statement& row)
{
    AttemptRow attempt;
    attempt.fence = row.integer(0);
    attempt.attempt = row.integer(1);
    attempt.worker = row.maybe_number(2);
    attempt.started_at = row.maybe_text(3);
    attempt.finished_at = row.text(4);
    attempt.outcome = row.text(5);
    attempt.error_class = row.maybe_text(6);
    attempt.error = row.maybe_text(7);
    attempt.exit_code = row.maybe_integer(8);
    attempt.signal = row.maybe_integer(9);
    attempt.cpu_ms = row.maybe_number(10);
    attempt.max_rss_bytes = row.maybe_number(11);
    attempt.read_bytes = row.maybe_number(12);
    attempt.write_bytes = row.maybe_number(13);
    attempt.output = row.maybe_text(14);
    attempt.backtrace = row.maybe_text(15);
    return attempt;
}

QueueRow queue_row(const Statement& row)
{
    return {.queue = row.text(0),
        .paused = row.truth(1),
        .available = row.number(2),
        .scheduled = row.number(3),
        .blocked = row.number(4),
        .running = row.number(5),
        .retryable = row.number(6),
        .dead = row.number(7),
        .oldest_age = row.maybe_length(8),
        .completed_per_minute = row.number(9),
        .failed_per_minute = row.number(10),
        .slots = row.maybe_integer(11),
        .weight = row.maybe_integer(12)};
}

WorkerRow worker_row(const Statement& row)
{
    return {.id = row.number(0),
        .name = row.text(1),
        .host = row.text(2),
        .pid = row.integer(3),
        .version = row.text(4),
        .state = row.text(5),
        .slots = row.integer(6),
        .running = row.integer(7),
        .started_at = row.text(8),
        .heartbeat_at = row.text(9),
        .lease_until = row.text(10),
        .labels = parse_texts(row.text(11)),
        .queues = parse_texts(row.text(12)),
        .kinds = parse_texts(row.text(13)),
        .report = row.text(14)};
}

KindStatsRow kind_stats_row(const Statement& row, int first)
{
    return {.kind = row.text(first),
        .completed = row.number(first + 1),
        .failed = row.number(first + 2),
        .dead = row.number(first + 3),
        .cancelled = row.number(first + 4),
        .snoozed = row.number(first + 5),
        .released = row.number(first + 6),
        .crashed = row.number(first + 7),
        .run_ms = row.number(first + 8),
        .wait_ms = row.number(first + 9)};
}

std::string to_json(const std::vector<std::string>& texts)
{
    std::string json = "[";
    for (const auto& text : texts) {
        json += (json.size() > 1 ? "," : "") + json_quote(scrub_text(text));
    }
    return json + "]";
}

std::string to_json(const std::vector<std::int64_t>& numbers)
{
    std::string json = "[";
    for (const auto number : numbers) {
        json += (json.size() > 1 ? "," : "") + std::to_string(number);
    }
    return json + "]";
}

std::vector<std::string> parse_texts(const std::string& json)
{
    std::vector<std::string> texts;
    if (json == "[]") {
        return texts;
    }
    // An application may have put other things than texts into its array.
    const auto array = nlohmann::json::parse(json, nullptr, false);
    for (const auto& element : array.is_array() ? array : nlohmann::json::array()) {
        texts.push_back(element.is_string() ? element.get<std::string>() : element.dump());
    }
    return texts;
}

} // namespace jobrunner::sqlite
