#include "client/row_json.hpp"

namespace jobrunner {
namespace {

std::optional<std::int64_t> count_of(const std::optional<Milliseconds>& length)
{
    return length ? std::optional<std::int64_t>(length->count()) : std::nullopt;
}

} // namespace

JsonObject to_json(const JobRow& job)
{
    JsonObject object;
    object.number("id", job.id)
        .text("state", to_string(job.state))
        .text("kind", job.kind)
        .text("queue", job.queue);
    object.number("priority", job.priority).json("args", job.args);
    object.text("run_at", job.run_at)
        .text("created_at", job.created_at)
        .maybe_text("started_at", job.started_at);
    object.maybe_text("claimed_at", job.claimed_at)
        .maybe_text("finished_at", job.finished_at)
        .maybe_text("expires_at", job.expires_at);
    object.number("attempt", job.attempt).number("max_attempts", job.max_attempts).number("fence", job.fence);
    object.number("worker", job.worker).number("crashes", job.crashes).number("snoozes", job.snoozes);
    object.number("give_backs", job.give_backs).number("timeout_ms", count_of(job.timeout));
    object.maybe_text("unique_key", job.unique_key).texts("tags", job.tags).json("meta", job.meta);
    object.maybe_text("reason", job.reason)
        .json("result", job.result)
        .maybe_text("error", job.error)
        .maybe_text("output", job.output);
    object.number("cpu_ms", job.cpu_ms).number("max_rss_bytes", job.max_rss_bytes);
    return object;
}

JsonObject to_json(const AttemptRow& attempt)
{
    JsonObject object;
    object.number("fence", attempt.fence).number("attempt", attempt.attempt).number("worker", attempt.worker);
    object.maybe_text("started_at", attempt.started_at).text("finished_at", attempt.finished_at);
    object.text("outcome", attempt.outcome)
        .maybe_text("error_class", attempt.error_class)
        .maybe_text("error", attempt.error);
    object.number("exit_code", attempt.exit_code)
        .number("signal", attempt.signal)
        .number("cpu_ms", attempt.cpu_ms);
    object.number("max_rss_bytes", attempt.max_rss_bytes).maybe_text("output", attempt.output);
    return object;
}

JsonObject to_json(const OutputRow& chunk)
{
    JsonObject object;
    object.number("fence", chunk.fence).number("sequence", chunk.sequence);
    object.maybe_text(
        "written_at", chunk.written_at.empty() ? std::nullopt : std::optional(chunk.written_at));
    object.text("stream", chunk.stream).text("body", chunk.body);
    return object;
}

JsonObject to_json(const QueueRow& queue)
{
    JsonObject object;
    object.text("queue", queue.queue).flag("paused", queue.paused).number("available", queue.available);
    object.number("scheduled", queue.scheduled)
        .number("blocked", queue.blocked)
        .number("running", queue.running);
    object.number("retryable", queue.retryable).number("dead", queue.dead);
    object.number("oldest_age_ms", count_of(queue.oldest_age));
    object.number("completed_per_minute", queue.completed_per_minute);
    object.number("failed_per_minute", queue.failed_per_minute);
    return object;
}

JsonObject to_json(const WorkerRow& worker)
{
    JsonObject object;
    object.number("id", worker.id)
        .text("name", worker.name)
        .text("host", worker.host)
        .number("pid", worker.pid);
    object.text("version", worker.version).text("state", worker.state).number("slots", worker.slots);
    object.number("running", worker.running).text("started_at", worker.started_at);
    object.text("heartbeat_at", worker.heartbeat_at).text("lease_until", worker.lease_until);
    object.texts("labels", worker.labels).texts("queues", worker.queues).texts("kinds", worker.kinds);
    return object;
}

JsonObject to_json(const KindStatsRow& kind)
{
    JsonObject object;
    object.text("kind", kind.kind).number("completed", kind.completed).number("failed", kind.failed);
    object.number("dead", kind.dead).number("cancelled", kind.cancelled).number("snoozed", kind.snoozed);
    object.number("released", kind.released).number("crashed", kind.crashed).number("run_ms", kind.run_ms);
    object.number("wait_ms", kind.wait_ms);
    return object;
}

JsonObject to_json(const DeadGroup& group)
{
    JsonObject object;
    object.text("kind", group.kind).text("fingerprint", group.fingerprint).number("jobs", group.jobs);
    object.number("newest", group.newest).text("newest_at", group.newest_at).text("error", group.error);
    return object;
}

} // namespace jobrunner
