#include "storage/postgres/job_json.hpp"

#include "core/error.hpp"
#include "core/json_text.hpp"
#include "core/text.hpp"

namespace jobrunner::postgres {

void JsonObject::name(std::string_view name)
{
    if (body_.size() > 1) {
        body_ += ',';
    }
    body_ += '"';
    body_ += name;
    body_ += "\":";
}

JsonObject& JsonObject::text(std::string_view key, std::string_view value)
{
    name(key);
    body_ += json_quote(scrub_text(value));
    return *this;
}

JsonObject& JsonObject::raw(std::string_view key, std::string_view json)
{
    name(key);
    body_ += json;
    return *this;
}

JsonObject& JsonObject::texts(std::string_view key, const std::vector<std::string>& values)
{
    if (values.empty()) {
        return *this;
    }
    return raw(
        key, json_array(values, [](const std::string& value) { return json_quote(scrub_text(value)); }));
}

JsonObject& JsonObject::json(std::string_view key, std::string_view value)
{
    if (!is_storable_json(value)) {
        throw Error(ErrorKind::refused, std::string(key) + " is not JSON that can be stored");
    }
    return raw(key, value);
}

std::string interval_text(Milliseconds length)
{
    return std::to_string(length.count()) + " milliseconds";
}

std::string to_json(const NewJob& job)
{
    JsonObject object;
    object.text("kind", job.kind).json("args", job.args).maybe_text("queue", job.queue);
    object.maybe_number("priority", job.priority).maybe_text("run_at", job.run_at);
    if (job.run_in) {
        object.text("run_in", interval_text(*job.run_in));
    }
    object.maybe_number("max_attempts", job.max_attempts);
    if (job.timeout) {
        object.text("timeout", interval_text(*job.timeout));
    }
    object.maybe_text("expires_at", job.expires_at).maybe_text("unique_key", job.unique_key);
    object.maybe_text("concurrency_key", job.concurrency_key).maybe_number("cost", job.cost);
    object.maybe_text("serial_key", job.serial_key).maybe_text("fair_key", job.fair_key);
    object.texts("requires", job.requires_labels).maybe_text("affinity_key", job.affinity_key);
    if (!job.depends_on.empty()) {
        object.raw("depends_on", json_array(job.depends_on, [](JobId id) { return std::to_string(id); }));
    }
    object.maybe_text("on_dependency_failure", job.on_dependency_failure)
        .maybe_number("batch_id", job.batch_id);
    object.texts("tags", job.tags).maybe_text("traceparent", job.traceparent);
    if (job.meta) {
        object.json("meta", *job.meta);
    }
    return object.str();
}

std::string to_json(const Settlement& settlement)
{
    const RunReport& report = settlement.report;
    JsonObject object;
    object.number("id", settlement.token.job).number("fence", settlement.token.fence);
    object.number("worker", settlement.token.worker).text("outcome", settlement.outcome);
    object.number("delay_ms", settlement.delay.count()).number("refund", settlement.refund);
    object.text("state", settlement.verdict == Verdict::dead ? "dead" : "cancelled");
    if (settlement.keep) {
        object.number("keep_ms", settlement.keep->count());
    }
    object.some_text("reason", settlement.reason).some_text("fingerprint", settlement.fingerprint);
    object.some_text("error_class", report.error_class).some_text("error", report.error);
    object.some_text("backtrace", report.backtrace).some_text("output", report.output);
    object.maybe_number("exit_code", report.exit_code).maybe_number("signal", report.signal);
    object.maybe_number("cpu_ms", report.cpu_ms).maybe_number("max_rss_bytes", report.max_rss_bytes);
    object.maybe_number("read_bytes", report.read_bytes).maybe_number("write_bytes", report.write_bytes);
    return object.str();
}

std::string to_json(const LiveOutput& output)
{
    JsonObject object;
    object.number("job_id", output.token.job).number("fence", output.token.fence);
    object.number("worker", output.token.worker).number("sequence", output.sequence);
    return object.text("stream", output.stream).text("body", output.body).str();
}

std::string to_json(const Progress& progress)
{
    JsonObject object;
    object.number("job_id", progress.token.job).number("fence", progress.token.fence);
    object.number("worker", progress.token.worker).maybe_text("note", progress.note);
    if (progress.percent) {
        object.raw("percent", std::to_string(*progress.percent));
    }
    if (progress.checkpoint) {
        object.json("checkpoint", scrub_json(*progress.checkpoint));
    }
    return object.str();
}

} // namespace jobrunner::postgres
