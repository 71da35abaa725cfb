#include "config/read_web.hpp"

#include "config/database_url.hpp"
#include "config/listen_address.hpp"
#include "core/error.hpp"
#include "core/text.hpp"

#include <algorithm>

namespace jobrunner {
namespace {

std::optional<WebScope> read_scope(ConfigSection& section, std::string_view key)
{
    const auto word = section.choice(key, {"read", "operate", "admin"});
    if (!word) {
        return std::nullopt;
    }
    return *word == "read" ? WebScope::read : *word == "operate" ? WebScope::operate : WebScope::admin;
}

bool is_sha256(std::string_view text)
{
    constexpr std::size_t digits = 64;
    return text.size() == digits &&
        std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

WebToken read_token(ConfigSection section, std::size_t number)
{
    constexpr std::string_view expected =
        "the SHA-256 of a token, 64 hexadecimal digits as jobrunner serve --new-token prints them,";
    WebToken token;
    token.name = "token " + std::to_string(number);
    assign(token.name, section.name("name"));
    assign(token.scope, read_scope(section, "scope"));
    if (const auto hash = section.text("sha256", expected)) {
        token.sha256 = lower_ascii(*hash);
    }
    if (!section.has("scope")) {
        section.problem("", "has no scope; read, operate or admin was expected");
    }
    if (!section.has("sha256")) {
        section.problem("", "has no sha256; " + std::string(expected) + " was expected");
    } else if (!token.sha256.empty() && !is_sha256(token.sha256)) {
        // Not shown: it may be the token itself.
        section.problem("sha256", "is no hash; " + std::string(expected) + " was expected");
    }
    section.refuse_unknown();
    return token;
}

// Letters, digits, hyphens and points, in lower case.
bool is_host_name(std::string_view name)
{
    return !name.empty() && std::ranges::all_of(name, [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '.';
    });
}

void read_host_names(ConfigSection& section, WebConfig& web)
{
    for (const auto& name :
        section.texts("host_names", "an array of host names").value_or(std::vector<ConfigText>{})) {
        web.host_names.push_back(lower_ascii(name.value));
        if (!is_host_name(web.host_names.back())) {
            section.problem(name, "is no host name; one such as jobs.example.com was expected");
        }
    }
}

bool is_proxy_header_name(std::string_view name)
{
    return std::ranges::all_of(name, [](unsigned char c) {
        return (c >= '0' && c <= '9') || ((c | 0x20U) >= 'a' && (c | 0x20U) <= 'z') || c == '-';
    });
}

void read_proxy(ConfigSection& section, WebConfig& web)
{
    assign(web.proxy_header, section.text("proxy_header", "the name of a header"));
    assign(web.proxy_scope, read_scope(section, "proxy_scope"));
    if (!is_proxy_header_name(web.proxy_header)) {
        section.problem("proxy_header", "is no name of a header; one such as X-Forwarded-User was expected");
    }
    for (const auto& text :
        section.texts("proxies", "an array of addresses").value_or(std::vector<ConfigText>{})) {
        if (const auto network = IpNetwork::parse(text.value)) {
            web.proxies.push_back(*network);
        } else {
            section.problem(text, "is no address; one such as 10.0.0.7 or 10.0.0.0/24 was expected");
        }
    }
    if (section.has("proxy_header") != section.has("proxies")) {
        section.problem("",
            "has one of proxy_header and proxies; both were expected, or else anybody could send the "
            "header");
    }
}

void read_replica(ConfigSection& section, WebConfig& web, const std::filesystem::path& directory)
{
    if (const auto url = section.text("read_database", "a database URL")) {
        try {
            check_database_url(*url);
            web.read_database = resolve_database_url(*url, directory);
        } catch (const Error& error) {
            section.problem("read_database", error.what());
        }
    }
}

} // namespace

std::optional<std::string> read_listen_address(
    ConfigSection& section, std::string_view key, const WebConfig& web)
{
    auto listen = section.text(key, "an address and a port");
    try {
        if (listen && !parse_listen_address(*listen).loopback && web.tokens.empty() &&
            web.proxy_header.empty()) {
            section.problem(key,
                "is an address that other hosts reach, and nobody has to say who they are; tokens or "
                "proxy_header were expected in [web]");
        }
    } catch (const Error& error) {
        section.problem(key, error.what());
    }
    return listen;
}

WebConfig read_web(ConfigSection section, const std::filesystem::path& directory)
{
    WebConfig web;
    read_host_names(section, web);
    std::size_t number = 0;
    for (auto& token : section.tables("tokens", "an array of tables")) {
        web.tokens.push_back(read_token(std::move(token), ++number));
    }
    read_proxy(section, web);
    assign(web.listen, read_listen_address(section, "listen", web));
    assign(web.local_scope, read_scope(section, "local_scope"));
    read_replica(section, web, directory);
    if (auto patterns = section.texts("redact", "an array of names")) {
        web.redact.clear();
        std::ranges::transform(*patterns, std::back_inserter(web.redact),
            [](const ConfigText& pattern) { return lower_ascii(pattern.value); });
    }
    section.refuse_unknown();
    return web;
}

} // namespace jobrunner
