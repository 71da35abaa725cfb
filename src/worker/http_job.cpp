#include "worker/http_job.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "core/version.hpp"
#include "worker/http_signature.hpp"

#include <algorithm>

namespace jobrunner {
namespace {

bool is_control(unsigned char c)
{
    return (c < ' ' && c != '\t') || c == 0x7F;
}

std::string header_value(const std::string& place, const std::string& value)
{
    if (std::ranges::any_of(value, is_control)) {
        throw Error(ErrorKind::refused,
            place +
                " holds a line end or another control character; text without them was expected in a header");
    }
    return value;
}

// As W3C's Trace Context has it: 00-(32 digits)-(16 digits)-(2 digits); anything else is not passed on.
bool is_traceparent(std::string_view text)
{
    constexpr std::string_view shape = "xx-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-xxxxxxxxxxxxxxxx-xx";
    return std::ranges::equal(text, shape, [](char c, char expected) {
        const bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
        return expected == '-' ? c == '-' : digit;
    });
}

class HeaderList {
public:
    void add(const std::string& name, const std::string& value)
    {
        // libcurl takes "Name:" as an order to leave the header out.
        lines_.push_back(value.empty() ? name + ";" : name + ": " + value);
    }
    void add_unless_set(const HttpConfig& http, const std::string& name, const std::string& value)
    {
        const bool set = std::ranges::any_of(
            http.headers, [&](const auto& header) { return lower_ascii(header.first) == lower_ascii(name); });
        if (!set) {
            add(name, value);
        }
    }
    std::vector<std::string> take() { return std::move(lines_); }

private:
    // No "100 Continue" is waited for.
    std::vector<std::string> lines_{"Expect:"};
};

void describe_job(HeaderList& headers, const ClaimedJob& job)
{
    headers.add("Idempotency-Key", std::to_string(job.token.job));
    headers.add("Jobrunner-Job-Id", std::to_string(job.token.job));
    headers.add("Jobrunner-Kind", percent_escape(job.kind));
    headers.add("Jobrunner-Queue", percent_escape(job.queue));
    headers.add("Jobrunner-Attempt", std::to_string(job.attempt));
    headers.add("Jobrunner-Max-Attempts", std::to_string(job.attempt_limit));
    headers.add("Jobrunner-Token", to_text(job.token));
    if (job.traceparent && is_traceparent(*job.traceparent)) {
        headers.add("traceparent", *job.traceparent);
    }
}

} // namespace

HttpJob http_job(const ClaimedJob& job, const HttpConfig& http, const KindPolicy& policy,
    const ReadSecret& read_secret, std::time_t now)
{
    HttpJob made;
    const auto secret = [&](const std::string& name) { return made.secrets[name] = read_secret(name); };
    const ArgsView args(job.args);
    const TemplateJob about{
        .id = job.token.job, .kind = job.kind, .queue = job.queue, .attempt = job.attempt};
    auto url = http.url.value().fill(args, about, {.secret = secret, .shape = {}});
    if (http.url->literal_host().empty() && !host_matches(http.allow_hosts, url.host)) {
        throw Error(
            ErrorKind::refused, "the host " + url.host + " is not allowed; one of allow_hosts was expected");
    }
    HttpRequest& request = made.request;
    request.method = http.method;
    if (http.method != "GET" && http.method != "DELETE") {
        request.body = job.args;
    }
    HeaderList headers;
    describe_job(headers, job);
    for (const auto& [name, value] : http.headers) {
        headers.add(name, value.fill(args, about, {.secret = secret, .shape = header_value}));
    }
    headers.add_unless_set(http, "User-Agent", "jobrunner/" + std::string(version()));
    if (request.body) {
        headers.add_unless_set(http, "Content-Type", "application/json");
    }
    if (!http.secret.empty()) {
        const std::string timestamp = std::to_string(now);
        headers.add("Jobrunner-Timestamp", timestamp);
        headers.add("Jobrunner-Signature",
            "v1=" + http_signature(secret(http.secret), timestamp, request.body.value_or("")));
    }
    request.headers = headers.take();
    request.url = std::move(url.url);
    request.host = std::move(url.host);
    request.addresses = http.addresses;
    request.connections_max = http.connections_max;
    request.timeout = job.timeout ? *job.timeout : policy.timeout.value_or(Milliseconds{0});
    request.connect_timeout = http.connect_timeout;
    request.response_max = http.response_max;
    request.ca_file = http.ca_file;
    request.proxy = http.proxy;
    return made;
}

} // namespace jobrunner
