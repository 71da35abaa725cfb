#include "worker/http_report.hpp"

#include "core/json_text.hpp"
#include "core/text.hpp"
#include "worker/run_reports.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <cstdio>

namespace jobrunner {
namespace {

constexpr std::size_t text_max = 64 * 1024;
constexpr std::size_t excerpt_max = 300;

void replace_all(std::string& text, const std::string& from, const std::string& with)
{
    for (auto at = text.find(from); !from.empty() && at != std::string::npos;
         at = text.find(from, at + with.size())) {
        text.replace(at, from.size(), with);
    }
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

bool is_json_type(std::string type)
{
    type = lower_ascii(type.substr(0, type.find(';')));
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
    if (is_json_type(ended.content_type)) {
        std::string scrubbed = scrub_json(body);
        if (is_storable_json(scrubbed)) {
            return scrubbed;
        }
    }
    return "{\"content_type\":" + json_quote(scrub_text(ended.content_type)) +
        ",\"text\":" + json_quote(scrub_text(head_of(body, text_max))) +
        (body.size() > text_max ? ",\"truncated\":true}" : "}");
}

RunReport answered_report(
    const HttpEnded& ended, std::size_t received, const HttpContext& context, std::time_t now)
{
    const int status = ended.status;
    if (status >= 200 && status < 300 && ended.too_large) {
        return failed_report(RunEnd::failed_for_good, "ResponseTooLarge",
            "the answer of " + context.host + " is over " + std::to_string(received) +
                " bytes; at most response_max was expected");
    }
    if (status >= 200 && status < 300) {
        RunReport report;
        report.result = result_of(ended);
        return report;
    }
    const bool retried = status == 408 || status == 425 || status == 429 || status >= 500;
    const std::string said = excerpt(ended.body);
    auto report =
        failed_report(retried ? RunEnd::failed : RunEnd::failed_for_good, "HTTP" + std::to_string(status),
            "HTTP " + std::to_string(status) + " from " + context.host + (said.empty() ? "" : ": " + said));
    if (status == 429 || status == 503) {
        if (const auto wait = retry_after(ended.retry_after, ended.date, now)) {
            report.delay = std::min(*wait, context.retry_after_max);
        }
    }
    return report;
}

std::string in_milliseconds(std::chrono::microseconds time)
{
    return std::to_string(std::chrono::round<std::chrono::milliseconds>(time).count()) + " ms";
}

// The one line of output of an attempt: no path, which may hold what is private.
std::string timing_line(const HttpEnded& ended, std::size_t received, const HttpContext& context)
{
    return context.method + " " + context.host + (ended.address.empty() ? "" : " (" + ended.address + ")") +
        ": status " + std::to_string(ended.status) + ", " + std::to_string(received) + " bytes, connected " +
        in_milliseconds(ended.connected) + ", first byte " + in_milliseconds(ended.first_byte) + ", total " +
        in_milliseconds(ended.total) + "\n";
}

// An answer may repeat what it was sent, as it is or within a string of JSON.
void hide_secrets(std::string& text, const std::map<std::string, std::string>& secrets)
{
    for (const auto& [name, value] : secrets) {
        const std::string shown = "[secret " + name + "]";
        const std::string quoted = json_quote(value);
        replace_all(text, value, shown);
        replace_all(text, quoted.substr(1, quoted.size() - 2), shown);
    }
}

RunReport ended_report(
    const HttpEnded& ended, std::size_t received, const HttpContext& context, std::time_t now)
{
    switch (ended.end) {
    case HttpEnd::answered:
        return answered_report(ended, received, context, now);
    case HttpEnd::failed:
        return failed_report(RunEnd::failed, ended.error_class, scrub_text(ended.error));
    case HttpEnd::refused:
        return failed_report(RunEnd::failed_for_good, ended.error_class, ended.error);
    case HttpEnd::timed_out:
        return timed_out_report(context.timeout);
    case HttpEnd::stopped:
        return stopped_report(context.cause);
    case HttpEnd::lease_lost:
        break;
    }
    return lease_lost_report();
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
    const std::size_t received = ended.body.size();
    // Before anything is cut out of it, or the half of a secret might be left.
    for (std::string* said : {&ended.body, &ended.content_type, &ended.error}) {
        hide_secrets(*said, context.secrets);
    }
    RunReport report = ended_report(ended, received, context, now);
    if (ended.total.count() > 0) {
        report.output = timing_line(ended, received, context);
    }
    return report;
}

} // namespace jobrunner
