#include "worker/http_report.hpp"

#include "core/text.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <cstdio>

namespace jobrunner {
namespace {

constexpr std::size_t text_max = 64 * 1024;
constexpr std::size_t excerpt_max = 300;
constexpr int json_depth_max = 500;

void replace_all(std::string& text, const std::string& from, const std::string& with)
{
    for (auto at = text.find(from); !from.empty() && at != std::string::npos;
         at = text.find(from, at + with.size())) {
        text.replace(at, from.size(), with);
    }
}

// Cut at the end of a character: what follows a cut through one would be scrubbed to a replacement.
std::string_view head_of(std::string_view text, std::size_t bytes_max)
{
    std::size_t size = std::min(text.size(), bytes_max);
    while (size < text.size() && size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U) {
        --size;
    }
    return text.substr(0, size);
}

// The beginning of a body on one line.
std::string excerpt(const std::string& body)
{
    std::string line;
    for (const char c : head_of(body, excerpt_max)) {
        const bool blank = c == ' ' || c == '\t' || c == '\r' || c == '\n';
        if (!blank || (!line.empty() && line.back() != ' ')) {
            line += blank ? ' ' : c;
        }
    }
    return scrub_text(line);
}

// Databases refuse, or give up on, what nests without end.
bool nests_deeply(std::string_view json)
{
    int depth = 0;
    bool inside = false;
    for (std::size_t i = 0; i < json.size(); ++i) {
        const char c = json[i];
        if (inside) {
            i += c == '\\' ? 1 : 0;
            inside = c != '"';
            continue;
        }
        inside = c == '"';
        depth += c == '[' || c == '{' ? 1 : c == ']' || c == '}' ? -1 : 0;
        if (depth > json_depth_max) {
            return true;
        }
    }
    return false;
}

bool is_json_type(std::string type)
{
    std::ranges::transform(type, type.begin(),
        [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    type = type.substr(0, type.find(';'));
    type.erase(type.find_last_not_of(" \t") + 1);
    return type == "application/json" || type == "text/json" || type.ends_with("+json");
}

std::optional<std::string> result_of(const HttpEnded& ended)
{
    constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
    std::string_view body = ended.body;
    body.remove_prefix(body.starts_with(byte_order_mark) ? byte_order_mark.size() : 0);
    if (body.empty()) {
        return std::nullopt;
    }
    if (is_json_type(ended.content_type) && !nests_deeply(body)) {
        const std::string scrubbed = scrub_json(body);
        if (is_json(scrubbed)) {
            return scrubbed;
        }
    }
    return "{\"content_type\":" + json_quote(scrub_text(ended.content_type)) +
        ",\"text\":" + json_quote(scrub_text(head_of(body, text_max))) +
        (body.size() > text_max ? ",\"truncated\":true}" : "}");
}

void take_failure(RunReport& report, RunEnd how, std::string error_class, std::string error)
{
    report.end = how;
    report.error_class = std::move(error_class);
    report.error = std::move(error);
}

void take_status(RunReport& report, const HttpEnded& ended, const HttpContext& context, std::time_t now)
{
    const int status = ended.status;
    if (status >= 200 && status < 300) {
        if (ended.too_large) {
            take_failure(report, RunEnd::failed_for_good, "ResponseTooLarge",
                "the answer of " + context.host + " is over " + std::to_string(ended.body.size()) +
                    " bytes; at most response_max was expected");
            return;
        }
        report.result = result_of(ended);
        return;
    }
    const bool retried = status == 408 || status == 425 || status == 429 || status >= 500;
    const std::string said = excerpt(ended.body);
    take_failure(report, retried ? RunEnd::failed : RunEnd::failed_for_good, "HTTP" + std::to_string(status),
        "HTTP " + std::to_string(status) + " from " + context.host + (said.empty() ? "" : ": " + said));
    if (status == 429 || status == 503) {
        if (const auto wait = retry_after(ended.retry_after, ended.date, now)) {
            report.delay = std::min(*wait, context.retry_after_max);
        }
    }
}

std::string in_milliseconds(std::chrono::microseconds time)
{
    return std::to_string(std::chrono::round<std::chrono::milliseconds>(time).count()) + " ms";
}

// The one line of output of an attempt: no path, which may hold what is private.
std::string timing_line(const HttpEnded& ended, const HttpContext& context)
{
    return context.method + " " + context.host + (ended.address.empty() ? "" : " (" + ended.address + ")") +
        ": status " + std::to_string(ended.status) + ", " + std::to_string(ended.body.size()) +
        " bytes, connected " + in_milliseconds(ended.connected) + ", first byte " +
        in_milliseconds(ended.first_byte) + ", total " + in_milliseconds(ended.total) + "\n";
}

// An answer may repeat what it was sent.
void hide_secrets(RunReport& report, const std::map<std::string, std::string>& secrets)
{
    for (const auto& [name, value] : secrets) {
        const std::string shown = "[secret " + name + "]";
        replace_all(report.error, value, shown);
        if (report.result) {
            const std::string quoted = json_quote(scrub_text(value));
            replace_all(*report.result, quoted.substr(1, quoted.size() - 2), shown);
        }
    }
    if (report.result && !is_json(*report.result)) {
        report.result.reset(); // A secret of digits stood there as a number.
    }
}

} // namespace

std::optional<Milliseconds> retry_after(const std::string& value, const std::string& date, std::time_t now)
{
    constexpr long long seconds_max = 10LL * 366 * 86'400;
    constexpr long long seconds_min = 1;
    long long seconds = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
    if (error == std::errc::result_out_of_range) {
        seconds = seconds_max;
    } else if (value.empty() || value.front() == '-' || error != std::errc() ||
        end != value.data() + value.size()) {
        const auto then = curl_getdate(value.c_str(), nullptr);
        const auto sent = date.empty() ? -1 : curl_getdate(date.c_str(), nullptr);
        if (value.find(':') == std::string::npos || then < 0) {
            return std::nullopt;
        }
        seconds = static_cast<long long>(then) - static_cast<long long>(sent < 0 ? now : sent);
    }
    return std::chrono::seconds(std::clamp(seconds, seconds_min, seconds_max));
}

RunReport http_report(HttpEnded ended, const HttpContext& context, std::time_t now)
{
    RunReport report;
    switch (ended.end) {
    case HttpEnd::answered:
        take_status(report, ended, context, now);
        break;
    case HttpEnd::failed:
        take_failure(report, RunEnd::failed, ended.error_class, scrub_text(ended.error));
        break;
    case HttpEnd::refused:
        take_failure(report, RunEnd::failed_for_good, ended.error_class, ended.error);
        break;
    case HttpEnd::timed_out:
        take_failure(
            report, RunEnd::timed_out, "Timeout", "timed out after " + format_duration(context.timeout));
        break;
    case HttpEnd::stopped:
        take_failure(
            report, context.cause == StopCause::released ? RunEnd::released : RunEnd::cancelled, {}, {});
        break;
    case HttpEnd::lease_lost:
        take_failure(report, RunEnd::crashed, "LeaseLost", "its worker's lease ended");
        break;
    }
    hide_secrets(report, context.secrets);
    if (ended.total.count() > 0) {
        report.output = timing_line(ended, context);
    }
    return report;
}

} // namespace jobrunner
