#include "config/read_http.hpp"

#include "core/error.hpp"
#include "core/text.hpp"

#include <algorithm>
#include <array>

namespace jobrunner {
namespace {

using std::chrono::hours;
using Secrets = std::map<std::string, SecretConfig>;
using Texts = std::vector<ConfigText>;

void check_secrets(ConfigSection& section, std::string_view key, const std::vector<std::string>& names,
    const Secrets& secrets)
{
    for (const auto& name : names) {
        if (!secrets.contains(name)) {
            section.problem(
                key, "refers to the secret " + name + "; one that [secrets] declares was expected");
        }
    }
}

void read_url(ConfigSection& section, HttpConfig& http, const Secrets& secrets)
{
    const auto text = section.text("url", "a URL");
    if (!section.has("url")) {
        section.problem("url", "has no url; a URL was expected");
    }
    if (!text) {
        return;
    }
    try {
        http.url = UrlTemplate::parse(*text);
        check_secrets(section, "url", http.url->secrets(), secrets);
    } catch (const Error& error) {
        section.problem("url", error.what());
    }
}

// Set by jobrunner or by the protocol; a kind that could set them too would send them twice or break the framing.
bool is_own_header(const std::string& lower_name)
{
    constexpr std::array<std::string_view, 13> own{"host", "content-length", "transfer-encoding",
        "connection", "te", "trailer", "upgrade", "expect", "keep-alive", "idempotency-key", "traceparent",
        "accept-encoding", "proxy-authorization"};
    return std::ranges::find(own, lower_name) != own.end() || lower_name.starts_with("jobrunner-");
}

bool is_header_name(std::string_view name)
{
    return !name.empty() && std::ranges::all_of(name, [](unsigned char c) {
        return c > ' ' && c < 0x7F &&
            std::string_view("\"(),/:;<=>?@[\\]{}").find(static_cast<char>(c)) == std::string_view::npos;
    });
}

void read_header(ConfigSection& section, HttpConfig& http, const std::string& name, const ConfigText& text)
{
    const bool control =
        std::ranges::any_of(text.value, [](unsigned char c) { return (c < ' ' && c != '\t') || c == 0x7F; });
    const bool twice = std::ranges::any_of(
        http.headers, [&](const auto& header) { return lower_ascii(header.first) == lower_ascii(name); });
    if (!is_header_name(name)) {
        section.problem(text, "is no name of a header; letters, digits and hyphens were expected");
    } else if (is_own_header(lower_ascii(name))) {
        section.problem(text, "is set by jobrunner itself; another header was expected");
    } else if (control || twice) {
        section.problem(text,
            control ? "holds a control character; a line of text was expected"
                    : "stands there twice; each header once was expected");
    } else {
        http.headers.emplace(name, ArgsTemplate::parse(text.value));
    }
}

void read_headers(ConfigSection& section, HttpConfig& http, const Secrets& secrets)
{
    for (const auto& [name, text] : section.texts_by_name("headers")) {
        try {
            read_header(section, http, name, text);
        } catch (const Error& error) {
            section.problem(text, error.what());
        }
    }
    for (const auto& [name, value] : http.headers) {
        check_secrets(section, "headers", value.secrets(), secrets);
    }
}

void read_signature(ConfigSection& section, HttpConfig& http, const Secrets& secrets)
{
    constexpr std::string_view expected = "a reference such as \"{secret:NAME}\"";
    const auto text = section.text("secret", expected);
    if (!text) {
        return;
    }
    try {
        const auto parsed = ArgsTemplate::parse(*text);
        const auto names = parsed.secrets();
        if (names.size() == 1 && *text == "{secret:" + names.front() + "}") {
            check_secrets(section, "secret", names, secrets);
            http.secret = names.front();
            return;
        }
    } catch (const Error&) {
        // The message below says it, and does not show what may be a secret.
    }
    section.problem("secret", "is no reference to a secret; " + std::string(expected) + " was expected");
}

void read_allowed_hosts(ConfigSection& section, HttpConfig& http)
{
    for (auto& text : section.texts("allow_hosts", "an array of hosts").value_or(Texts{})) {
        const std::string pattern = lower_ascii(text.value);
        const std::string_view name = std::string_view(pattern).substr(pattern.starts_with("*.") ? 2 : 0);
        if (pattern != "*" && !is_host(name)) {
            section.problem(text,
                "is \"" + text.value +
                    "\"; a host, \"*.example.com\" for all below it, or \"*\" was expected");
        }
        http.allow_hosts.push_back(pattern);
    }
    if (!http.url) {
        return;
    }
    const std::string& host = http.url->literal_host();
    if (host.empty() && http.allow_hosts.empty()) {
        section.problem(
            "url", "takes its host from the job; allow_hosts = [\"*.example.com\"] was expected with it");
    } else if (!host.empty() && !http.allow_hosts.empty() && !host_matches(http.allow_hosts, host)) {
        section.problem("allow_hosts", "does not hold " + host + ", the host of the url; it was expected");
    }
}

void read_addresses(ConfigSection& section, HttpConfig& http)
{
    assign(http.addresses.allow_private, section.flag("allow_private"));
    for (auto& text : section.texts("allow_networks", "an array of networks").value_or(Texts{})) {
        if (const auto network = IpNetwork::parse(text.value)) {
            http.addresses.allow_networks.push_back(*network);
        } else {
            section.problem(
                text, "is \"" + text.value + "\"; a network such as \"10.1.0.0/16\" was expected");
        }
    }
    const std::string host = http.url ? http.url->literal_host() : "";
    const auto address = IpAddress::parse(host == "localhost" ? "127.0.0.1" : host);
    const auto reason = address ? reason_to_refuse(http.addresses, *address) : std::nullopt;
    if (reason && http.proxy.empty()) {
        section.problem("url",
            "asks " + host + ", " + std::string(*reason) +
                "; allow_private = true or its network in allow_networks was expected with it");
    }
}

void read_proxy(ConfigSection& section, HttpConfig& http)
{
    constexpr std::string_view expected = "the URL of a proxy such as \"http://proxy.example.com:3128\"";
    assign(http.proxy, section.text("proxy", expected));
    if (!http.proxy.empty() && !http.proxy.starts_with("http://") && !http.proxy.starts_with("https://")) {
        section.problem("proxy", "is no proxy's URL; " + std::string(expected) + " was expected");
    }
}

} // namespace

HttpConfig read_http(ConfigSection& section, const Secrets& secrets, const std::filesystem::path& directory)
{
    constexpr std::uint64_t response_bytes_max = 64ULL << 20;
    HttpConfig http;
    auto request = section.section("http");
    if (!request) {
        return http;
    }
    read_url(*request, http, secrets);
    assign(http.method, request->choice("method", {"POST", "PUT", "PATCH", "GET", "DELETE"}));
    read_headers(*request, http, secrets);
    read_signature(*request, http, secrets);
    read_proxy(*request, http);
    read_allowed_hosts(*request, http);
    read_addresses(*request, http);
    assign(http.connections_max, request->integer("connections_max", {1, 10'000}));
    assign(http.connect_timeout, request->duration("connect_timeout", {Milliseconds{1}, hours{1}}));
    assign(http.response_max, request->byte_size("response_max", {0, response_bytes_max}));
    assign(http.retry_after_max, request->duration("retry_after_max", {Milliseconds{0}, hours{24 * 30}}));
    if (const auto file = request->text("ca_file", "the path of a file of certificates")) {
        http.ca_file = (directory / *file).lexically_normal().string();
    }
    request->refuse_unknown();
    return http;
}

} // namespace jobrunner
