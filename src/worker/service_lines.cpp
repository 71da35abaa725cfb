#include "worker/service_lines.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace jobrunner {
namespace {

// Within JSON a newline is white space: in a string it is escaped.
std::string on_one_line(std::string text)
{
    std::replace_if(
        text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
    return text;
}

std::string quoted(const std::string& text)
{
    return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

} // namespace

std::string service_job_line(const ClaimedJob& job, std::optional<Milliseconds> timeout)
{
    std::string line =
        R"({"type":"job","id":")" + std::to_string(job.token.job) + R"(","kind":)" + quoted(job.kind);
    line += R"(,"queue":)" + quoted(job.queue) + R"(,"args":)" + on_one_line(job.args);
    line += R"(,"attempt":)" + std::to_string(job.attempt);
    line += R"(,"max_attempts":)" + std::to_string(job.attempt_limit);
    line += R"(,"token":)" + quoted(to_text(job.token));
    line += R"(,"deadline_ms":)" + (timeout ? std::to_string(timeout->count()) : "null");
    line += R"(,"checkpoint":)" + (job.checkpoint ? on_one_line(*job.checkpoint) : "null");
    if (job.traceparent) {
        line += R"(,"traceparent":)" + quoted(*job.traceparent);
    }
    return line + "}\n";
}

std::string service_jobs_line(const std::vector<std::string>& job_lines)
{
    std::string line;
    for (const auto& job : job_lines) {
        line += line.empty() ? R"({"type":"jobs","jobs":[)" : ",";
        line.append(job, 0, job.size() - 1);
    }
    return line + "]}\n";
}

std::string service_cancel_line(JobId id)
{
    return R"({"type":"cancel","id":")" + std::to_string(id) + "\"}\n";
}

std::string service_shutdown_line()
{
    return "{\"type\":\"shutdown\"}\n";
}

} // namespace jobrunner
