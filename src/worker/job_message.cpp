#include "worker/job_message.hpp"

#include "core/error.hpp"
#include "core/json_text.hpp"
#include "core/text.hpp"

#include <nlohmann/json.hpp>

#include <charconv>
#include <cmath>

namespace jobrunner {
namespace {

using nlohmann::json;

constexpr double longest_ms = 366.0 * 86'400'000.0;

[[noreturn]] void refuse(const std::string& what)
{
    throw Error(ErrorKind::refused, "a message of the job is malformed: " + what);
}

std::string text_member(const json& message, const char* name)
{
    const auto member = message.find(name);
    if (member == message.end() || member->is_null()) {
        return {};
    }
    return member->is_string() ? scrub_text(member->get_ref<const std::string&>()) : member->dump();
}

std::optional<Milliseconds> length_member(const json& message, const char* name)
{
    const auto member = message.find(name);
    if (member == message.end() || member->is_null()) {
        return std::nullopt;
    }
    if (!member->is_number() || !(member->get<double>() >= 0) || member->get<double>() > longest_ms) {
        refuse(std::string(name) + " is no number of milliseconds from 0 to a year");
    }
    return Milliseconds(std::llround(member->get<double>()));
}

// A line taken apart, and as it was written, so that numbers in results keep every digit.
struct Message {
    std::string text;
    json values;
};

Message object_in(std::string_view line)
{
    Message message{.text = scrub_json(line), .values = {}};
    // Before anything walks through it: what nests without end would end the stack first.
    if (json_type(message.text) != JsonType::object) {
        refuse("it is no JSON object");
    }
    if (!is_storable_json(message.text)) {
        refuse("it is no whole JSON object, or nests more than 500 deep");
    }
    message.values = json::parse(message.text, nullptr, false);
    if (message.values.is_discarded()) {
        refuse("it holds a number of over 308 digits");
    }
    return message;
}

std::optional<std::string> json_member(const Message& message, std::string_view name)
{
    std::optional<std::string> found;
    for (const auto& member : json_members(message.text)) {
        if (member.name == name) {
            found = member.value;
        }
    }
    return found;
}

RunReport failure(const json& message)
{
    RunReport report;
    const auto retry = message.find("retry");
    report.end = retry != message.end() && retry->is_boolean() && !retry->get<bool>()
        ? RunEnd::failed_for_good
        : RunEnd::failed;
    report.error = text_member(message, "error");
    report.error_class = text_member(message, "class");
    report.delay = length_member(message, "retry_in_ms");
    if (const auto lines = message.find("backtrace"); lines != message.end() && lines->is_array()) {
        for (const auto& line : *lines) {
            report.backtrace += (line.is_string() ? line.get<std::string>() : line.dump()) + "\n";
        }
        report.backtrace = scrub_text(tail_of(report.backtrace, 64 * 1024));
    }
    return report;
}

RunReport success(const Message& message)
{
    RunReport report;
    report.result = json_member(message, "result");
    return report;
}

RunReport snooze(const json& message)
{
    RunReport report;
    report.end = RunEnd::snoozed;
    report.delay = length_member(message, "in_ms");
    return report;
}

JobProgress progress(const Message& message)
{
    const json& values = message.values;
    JobProgress progress;
    if (const auto percent = values.find("percent"); percent != values.end() && percent->is_number()) {
        progress.percent = std::min(std::max(percent->get<double>(), 0.0), 100.0);
    }
    if (values.contains("note")) {
        progress.note = text_member(values, "note");
    }
    progress.checkpoint = json_member(message, "checkpoint");
    return progress;
}

std::optional<JobId> job_id_in(std::string_view text)
{
    JobId id = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
    const bool whole = error == std::errc() && end == text.data() + text.size() && id > 0;
    return whole ? std::optional(id) : std::nullopt;
}

JobMessage job_message_in(const Message& message)
{
    const json& values = message.values;
    const std::string type = text_member(values, "type");
    if (type == "done") {
        return success(message);
    }
    if (type == "fail") {
        return failure(values);
    }
    if (type == "snooze") {
        return snooze(values);
    }
    if (type == "progress") {
        return progress(message);
    }
    if (type == "extend") {
        return JobExtend{length_member(values, "by_ms").value_or(Milliseconds{0})};
    }
    if (type == "log") {
        return JobLogLine{text_member(values, "line")};
    }
    refuse("its type is none of done, fail, snooze, progress, extend and log");
}

} // namespace

JobMessage parse_job_message(std::string_view line)
{
    return job_message_in(object_in(line));
}

ServiceMessage parse_service_message(std::string_view line)
{
    const Message message = object_in(line);
    const json& values = message.values;
    const std::string type = text_member(values, "type");
    if (type == "ready") {
        const auto count = values.find("concurrency");
        if (count == values.end()) {
            return ServiceReady{};
        }
        if (!count->is_number_integer() || count->get<double>() < 1 || count->get<double>() > 10'000) {
            refuse("concurrency is no whole number from 1 to 10000");
        }
        return ServiceReady{count->get<int>()};
    }
    const auto job = job_id_in(text_member(values, "id"));
    if (!job) {
        refuse("its id is no job's");
    }
    ServiceJobMessage result{.job = *job, .message = {}, .problem = {}, .is_end = false};
    result.is_end = type == "done" || type == "fail" || type == "snooze";
    try {
        result.message = job_message_in(message);
    } catch (const Error& error) {
        result.problem = error.what();
    }
    return result;
}

std::optional<JobId> job_named_early(std::string_view line)
{
    const auto nested = line.find_first_of("{[", 1);
    const auto flat = line.substr(0, nested);
    constexpr std::string_view key = "\"id\":";
    auto at = flat.find(key);
    if (at == std::string_view::npos) {
        return std::nullopt;
    }
    auto rest = flat.substr(at + key.size());
    rest.remove_prefix(std::min(rest.find_first_not_of(" \""), rest.size()));
    return job_id_in(rest.substr(0, rest.find_first_not_of("0123456789")));
}

} // namespace jobrunner
