#include "web/access.hpp"

#include "core/ip_network.hpp"
#include "core/text.hpp"
#include "web/access_token.hpp"

#include <algorithm>

namespace jobrunner {
namespace {

// "jobs.example.com:80" without its port, and without the brackets of an IPv6 address.
std::string_view without_port(std::string_view host)
{
    if (host.starts_with('[')) {
        const auto end = host.find(']');
        return end == std::string_view::npos ? std::string_view{} : host.substr(1, end - 1);
    }
    return host.substr(0, host.find(':'));
}

std::string_view trimmed(std::string_view text)
{
    const auto first = text.find_first_not_of(" \t");
    const auto last = text.find_last_not_of(" \t");
    return first == std::string_view::npos ? std::string_view{} : text.substr(first, last - first + 1);
}

std::optional<std::string> bearer_of(const WebRequest& request)
{
    const auto header = header_of(request, "authorization");
    constexpr std::string_view scheme = "bearer ";
    if (!header || lower_ascii(header->substr(0, scheme.size())) != scheme) {
        return std::nullopt;
    }
    return std::string(trimmed(std::string_view(*header).substr(scheme.size())));
}

// Whether a header that must not be repeated is.
bool is_repeated(const WebRequest& request, const std::string& lower_name)
{
    return request.headers.count(lower_name) > 1;
}

} // namespace

std::optional<std::string> cookie_of(const WebRequest& request, std::string_view name)
{
    const auto header = header_of(request, "cookie");
    std::string_view rest = header ? std::string_view(*header) : std::string_view{};
    while (!rest.empty()) {
        const auto end = std::min(rest.find(';'), rest.size());
        const auto pair = trimmed(rest.substr(0, end));
        const auto equal = pair.find('=');
        if (equal != std::string_view::npos && pair.substr(0, equal) == name) {
            return std::string(pair.substr(equal + 1));
        }
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return std::nullopt;
}

Access::Access(const WebConfig& config) : config_(config)
{
    config_.proxy_header = lower_ascii(config_.proxy_header);
}

bool Access::knows_host(std::string_view host) const
{
    const auto name = lower_ascii(without_port(host));
    return name == "localhost" || IpAddress::parse(name) ||
        std::ranges::find(config_.host_names, name) != config_.host_names.end();
}

bool Access::is_own_origin(const WebRequest& request, const std::string& origin) const
{
    const auto scheme_end = origin.find("://");
    if (scheme_end == std::string::npos) {
        return false; // "null", too
    }
    const auto host = lower_ascii(std::string_view(origin).substr(scheme_end + 3));
    const bool named =
        std::ranges::find(config_.host_names, std::string(without_port(host))) != config_.host_names.end();
    return named || host == lower_ascii(header_of(request, "host").value_or(""));
}

std::optional<WebAnswer> Access::refusal(const WebRequest& request) const
{
    for (const auto* name : {"host", "origin", "authorization", "cookie", "content-type"}) {
        if (is_repeated(request, name)) {
            return problem_answer(400, std::string(name) + ": is there twice; once was expected");
        }
    }
    if (!knows_host(header_of(request, "host").value_or(""))) {
        return problem_answer(421,
            "Host: is no name of this server; an IP address, localhost or one of web.host_names was "
            "expected");
    }
    const auto site = header_of(request, "sec-fetch-site").value_or("none");
    const bool navigates = header_of(request, "sec-fetch-mode") == "navigate";
    const bool foreign = site != "none" && site != "same-origin";
    if (request.method != "POST") {
        return foreign && !navigates
            ? std::optional(problem_answer(403, "the request comes from another site's page"))
            : std::nullopt;
    }
    const auto origin = header_of(request, "origin");
    if (foreign || (origin && !is_own_origin(request, *origin))) {
        return problem_answer(403, "Origin: is another site's; this server's own was expected");
    }
    // A page elsewhere cannot send this type without asking first, and is never told that it may.
    const auto type = lower_ascii(header_of(request, "content-type").value_or(""));
    if (type.substr(0, type.find_first_of("; ")) != "application/json") {
        return problem_answer(415, "Content-Type: application/json was expected");
    }
    return std::nullopt;
}

std::optional<Visitor> Access::visitor_with(std::string_view token) const
{
    const auto* known = find_access_token(config_.tokens, token);
    return known == nullptr ? std::nullopt : std::optional(Visitor{"web:" + known->name, known->scope});
}

std::optional<Visitor> Access::visitor_by_proxy(const WebRequest& request) const
{
    const auto user = header_of(request, config_.proxy_header);
    const auto peer = IpAddress::parse(request.peer);
    constexpr std::size_t user_bytes_max = 128;
    const bool printable =
        user && std::ranges::all_of(*user, [](unsigned char c) { return c >= 0x20 && c < 0x7F; });
    if (!user || user->empty() || user->size() > user_bytes_max || !printable || !peer) {
        return std::nullopt;
    }
    const bool trusted =
        std::ranges::any_of(config_.proxies, [&](const IpNetwork& proxy) { return proxy.holds(*peer); });
    return trusted ? std::optional(Visitor{"web:" + *user, config_.proxy_scope}) : std::nullopt;
}

std::optional<Visitor> Access::visitor(const WebRequest& request) const
{
    if (config_.tokens.empty() && config_.proxy_header.empty()) {
        return Visitor{"web", config_.local_scope};
    }
    if (const auto token = bearer_of(request)) {
        return visitor_with(*token);
    }
    if (const auto token = cookie_of(request, session_cookie)) {
        // A browser adds cookies by itself: what changes something must say that it comes from this page.
        const bool says_whence = header_of(request, "origin") || header_of(request, "sec-fetch-site");
        if (request.method != "POST" || says_whence) {
            if (auto known = visitor_with(*token)) {
                return known;
            }
        }
    }
    return config_.proxy_header.empty() ? std::nullopt : visitor_by_proxy(request);
}

} // namespace jobrunner
