#include "client/row_json.hpp"

#include <array>
#include <charconv>

namespace jobrunner {
namespace {

std::optional<std::int64_t> count_of(const std::optional<Milliseconds>& length)
{
    return length ? std::optional<std::int64_t>(length->count()) : std::nullopt;
}

void add_counts(JsonObject& object, const KindStatsRow& kind)
{
    object.text("kind", kind.kind).number("completed", kind.completed).number("failed", kind.failed);
    object.number("dead", kind.dead).number("cancelled", kind.cancelled).number("snoozed", kind.snoozed);
    object.number("released", kind.released).number("crashed", kind.crashed).number("run_ms", kind.run_ms);
    object.number("wait_ms", kind.wait_ms);
}

} // namespace

JsonObject to_json(const JobRow& job, JsonIds ids)
{
    JsonObject object(ids);
    object.id("id", job.id)
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
    object.id("worker", job.worker).number("crashes", job.crashes).number("snoozes", job.snoozes);
    object.number("give_backs", job.give_backs).number("timeout_ms", count_of(job.timeout));
    object.maybe_text("unique_key", job.unique_key).texts("tags", job.tags).json("meta", job.meta);
    object.maybe_text("reason", job.reason)
        .json("result", job.result)
        .maybe_text("error", job.error)
        .maybe_text("output", job.output);
    object.number("cpu_ms", job.cpu_ms).number("max_rss_bytes", job.max_rss_bytes);
    object.number("read_bytes", job.read_bytes).number("write_bytes", job.write_bytes);
    return object;
}

JsonObject to_json(const AttemptRow& attempt, JsonIds ids)
{
    JsonObject object(ids);
    object.number("fence", attempt.fence).number("attempt", attempt.attempt).id("worker", attempt.worker);
    object.maybe_text("started_at", attempt.started_at).text("finished_at", attempt.finished_at);
    object.text("outcome", attempt.outcome)
        .maybe_text("error_class", attempt.error_class)
        .maybe_text("error", attempt.error);
    object.number("exit_code", attempt.exit_code)
        .number("signal", attempt.signal)
        .number("cpu_ms", attempt.cpu_ms);
    object.number("max_rss_bytes", attempt.max_rss_bytes)
        .number("read_bytes", attempt.read_bytes)
        .number("write_bytes", attempt.write_bytes);
    object.maybe_text("output", attempt.output);
    object.maybe_text("backtrace", attempt.backtrace);
    return object;
}

std::string percent_text(double percent)
{
    std::array<char, 32> digits{};
    const auto end =
        std::to_chars(digits.data(), digits.data() + digits.size(), percent, std::chars_format::fixed, 3).ptr;
    std::string text(digits.data(), end);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.ends_with('.')) {
        text.pop_back();
    }
    return text;
}

JsonObject to_json(const ProgressRow& progress)
{
    JsonObject object;
    object.number("fence", progress.fence).text("updated_at", progress.updated_at);
    object.raw("percent", progress.percent ? percent_text(*progress.percent) : "null");
    object.maybe_text("note", progress.note).json("checkpoint", progress.checkpoint);
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
    object.number("slots", queue.slots).number("weight", queue.weight);
    return object;
}

JsonObject to_json(const LimitRow& row)
{
    const auto& limit = row.limit;
    JsonObject object;
    object.text("scope", to_string(limit.scope)).text("name", limit.name).number("at_most", limit.at_most);
    object.number("starts", limit.starts).number("period_ms", count_of(limit.period));
    object.number("running", row.running).number("started", row.started).number("waiting", row.waiting);
    return object;
}

JsonObject to_json(const WorkerRow& worker, JsonIds ids)
{
    JsonObject object(ids);
    object.id("id", worker.id).text("name", worker.name).text("host", worker.host).number("pid", worker.pid);
    object.text("version", worker.version).text("state", worker.state).number("slots", worker.slots);
    object.number("running", worker.running).text("started_at", worker.started_at);
    object.text("heartbeat_at", worker.heartbeat_at).text("lease_until", worker.lease_until);
    object.texts("labels", worker.labels).texts("queues", worker.queues).texts("kinds", worker.kinds);
    object.json("report", worker.report);
    return object;
}

JsonObject to_json(const KindStatsRow& kind)
{
    JsonObject object;
    add_counts(object, kind);
    return object;
}

JsonObject to_json(const MinuteStatsRow& step)
{
    JsonObject object;
    object.text("begin", step.begin).text("queue", step.queue);
    add_counts(object, step.counts);
    return object;
}

JsonObject to_json(const DeadGroup& group, JsonIds ids)
{
    JsonObject object(ids);
    object.text("kind", group.kind).text("fingerprint", group.fingerprint).number("jobs", group.jobs);
    object.id("newest", group.newest).text("newest_at", group.newest_at).text("error", group.error);
    return object;
}

JsonObject to_json(const BatchRow& batch, JsonIds ids)
{
    JsonObject object(ids);
    object.id("id", batch.id)
        .text("name", batch.name)
        .id("parent_id", batch.parent)
        .text("state", batch.state);
    object.number("unfinished", batch.unfinished).number("running", batch.running);
    object.number("completed", batch.completed)
        .number("cancelled", batch.cancelled)
        .number("dead", batch.dead);
    object.text("created_at", batch.created_at).maybe_text("sealed_at", batch.sealed_at);
    object.maybe_text("died_at", batch.died_at).maybe_text("finished_at", batch.finished_at);
    object.maybe_text("succeeded_at", batch.succeeded_at).maybe_text("eta", batch.eta);
    object.maybe_text("problem", batch.problem);
    return object;
}

JsonObject to_json(const JobRow& job, const Explanation& explanation, JsonIds ids)
{
    std::string reasons = "[";
    for (const auto& reason : explanation.reasons) {
        reasons += (reasons.size() > 1 ? "," : "") +
            JsonObject().text("code", reason.code).text("text", reason.text).str();
    }
    JsonObject object(ids);
    object.id("id", job.id).text("state", to_string(job.state));
    object.maybe_text("not_before", explanation.not_before).raw("reasons", reasons + "]");
    return object;
}

JsonObject to_json(const Finding& finding)
{
    JsonObject object;
    object.text("severity", finding.severity).text("code", finding.code);
    object.text("text", finding.text).text("remedy", finding.remedy);
    return object;
}

JsonObject to_json(const Violation& violation)
{
    JsonObject object;
    object.text("promise", violation.promise).number("job_id", violation.job).text("text", violation.text);
    return object;
}

JsonObject to_json(const ScheduleRow& schedule)
{
    const auto& declared = schedule.declared;
    return JsonObject()
        .text("name", declared.name)
        .text("expression", declared.expression)
        .text("time_zone", declared.time_zone)
        .text("kind", declared.kind)
        .json("args", declared.args)
        .json("options", declared.options)
        .text("overlap", declared.overlap)
        .text("missed", declared.missed)
        .number("jitter_ms", declared.jitter.count())
        .maybe_text("next_at", schedule.next_at)
        .maybe_text("paused_at", schedule.paused_at)
        .text("source", schedule.source)
        .maybe_text("problem", schedule.problem);
}

JsonObject to_json(const ScheduleRunRow& run, JsonIds ids)
{
    return JsonObject(ids)
        .text("due_at", run.due_at)
        .text("noted_at", run.noted_at)
        .id("job_id", run.job)
        .text("outcome", run.outcome);
}

} // namespace jobrunner
