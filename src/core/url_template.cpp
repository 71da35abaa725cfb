#include "core/url_template.hpp"

#include "core/error.hpp"
#include "core/ip_network.hpp"
#include "core/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

namespace jobrunner {
namespace {

bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

[[noreturn]] void refuse_url(const std::string& what)
{
    throw Error(ErrorKind::usage, what);
}

// The first of these characters that stands outside of placeholders, or the end.
std::size_t find_outside(std::string_view text, std::string_view characters, std::size_t from = 0)
{
    bool inside = false;
    for (std::size_t i = from; i < text.size(); ++i) {
        inside = text[i] == '{' || (inside && text[i] != '}');
        if (!inside && characters.find(text[i]) != std::string_view::npos) {
            return i;
        }
    }
    return text.size();
}

void check_characters(std::string_view text)
{
    bool inside = false;
    for (const char c : text) {
        inside = c == '{' || (inside && c != '}');
        const bool printable = c > ' ' && c <= '~';
        if (!inside && (!printable || std::string_view("\"<>\\^`|#").find(c) != std::string_view::npos)) {
            refuse_url(std::string("holds ") +
                (printable ? "a " + std::string(1, c) : "a blank or other byte") +
                "; percent-escaped characters, and no fragment, were expected");
        }
    }
    if (text.find("{{") != std::string_view::npos || text.find("}}") != std::string_view::npos) {
        refuse_url("holds a brace; percent-escaped %7B or %7D was expected");
    }
}

bool is_port(std::string_view digits)
{
    unsigned port = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    return error == std::errc() && end == digits.data() + digits.size() && port >= 1 && port <= 65535;
}

bool has_dot_segment(std::string_view path)
{
    while (!path.empty()) {
        const auto slash = path.find('/');
        const auto segment = path.substr(0, slash);
        if (segment == "." || segment == "..") {
            return true;
        }
        path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
    }
    return false;
}

std::string host_value(const std::string& place, const std::string& value)
{
    const bool plain =
        std::ranges::all_of(value, [](char c) { return is_letter_or_digit(c) || c == '-' || c == '.'; });
    if (value.empty() || !plain) {
        throw Error(ErrorKind::refused,
            place + " does not fit into a host; letters, digits, hyphens and dots were expected");
    }
    return lower_ascii(value);
}

std::string path_value(const std::string& place, const std::string& value)
{
    if (value.empty()) {
        throw Error(ErrorKind::refused, place + " is empty; a value was expected in the path of the URL");
    }
    return percent_escape(value);
}

TemplateValues with_shape(const TemplateValues& values, decltype(TemplateValues::shape) shape)
{
    return {.secret = values.secret, .shape = std::move(shape)};
}

struct UrlParts {
    std::string_view scheme;
    std::string_view host;
    std::string_view port;
    std::string_view path;
    std::string_view query;
};

UrlParts split_url(std::string_view text)
{
    UrlParts parts;
    for (const std::string_view scheme : {"https://", "http://"}) {
        parts.scheme = text.starts_with(scheme) ? text.substr(0, scheme.size()) : parts.scheme;
    }
    if (parts.scheme.empty()) {
        refuse_url(
            "does not begin with https:// or http://; one of them was expected, without a placeholder");
    }
    text.remove_prefix(parts.scheme.size());
    const auto authority = text.substr(0, find_outside(text, "/?"));
    text.remove_prefix(authority.size());
    if (find_outside(authority, "@") != authority.size()) {
        refuse_url("names a user; a header such as Authorization = \"Basic {secret:NAME}\" was expected");
    }
    const auto colon = find_outside(authority, ":", authority.starts_with('[') ? authority.find(']') : 0);
    parts.host = authority.substr(0, colon);
    parts.port = authority.substr(colon);
    if (!parts.port.empty() && !is_port(parts.port.substr(1))) {
        refuse_url("has no port from 1 to 65535 after its host; one was expected, without a placeholder");
    }
    parts.path = text.substr(0, find_outside(text, "?"));
    parts.query = text.substr(parts.path.size());
    return parts;
}

} // namespace

std::string percent_escape(std::string_view text)
{
    std::string escaped;
    for (const char c : text) {
        if (is_letter_or_digit(c) || c == '-' || c == '.' || c == '_' || c == '~') {
            escaped += c;
        } else {
            std::array<char, 4> code{};
            std::snprintf(
                code.data(), code.size(), "%%%02X", static_cast<unsigned>(static_cast<unsigned char>(c)));
            escaped += code.data();
        }
    }
    return escaped;
}

bool is_host(std::string_view host)
{
    if (host.find(':') != std::string_view::npos) {
        return IpAddress::parse(host).has_value();
    }
    constexpr std::size_t name_max = 253;
    constexpr std::size_t label_max = 63;
    if (host.empty() || host.size() > name_max) {
        return false;
    }
    for (std::size_t dot = 0; dot != std::string_view::npos;) {
        dot = host.find('.');
        const auto label = host.substr(0, dot);
        const bool plain =
            std::ranges::all_of(label, [](char c) { return is_letter_or_digit(c) || c == '-'; });
        if (label.empty() || label.size() > label_max || !plain || label.front() == '-' ||
            label.back() == '-') {
            return false;
        }
        host.remove_prefix(dot == std::string_view::npos ? host.size() : dot + 1);
    }
    return true;
}

bool host_matches(const std::vector<std::string>& patterns, std::string_view host)
{
    return std::ranges::any_of(patterns, [&](std::string_view pattern) {
        if (pattern == "*" || pattern == host) {
            return true;
        }
        return pattern.starts_with("*.") && host.size() > pattern.size() - 1 &&
            host.ends_with(pattern.substr(1));
    });
}

UrlTemplate UrlTemplate::parse(std::string_view text)
{
    static_cast<void>(ArgsTemplate::parse(text)); // for its messages, which count from the beginning
    check_characters(text);
    const UrlParts parts = split_url(text);
    UrlTemplate url(ArgsTemplate::parse(parts.host),
        ArgsTemplate::parse(parts.path.empty() ? "/" : parts.path), ArgsTemplate::parse(parts.query));
    url.scheme_ = parts.scheme;
    url.port_ = parts.port;
    if (!url.host_.secrets().empty()) {
        refuse_url("has a secret in its host; none was expected there");
    }
    if (url.host_.is_literal()) {
        std::string host = lower_ascii(parts.host);
        if (host.starts_with('[') && host.ends_with(']')) {
            host = host.substr(1, host.size() - 2);
        }
        if (!is_host(host)) {
            refuse_url("has no valid host; a name or an address was expected");
        }
        url.literal_host_ = std::move(host);
    } else if (parts.host.starts_with('[')) {
        refuse_url("has a placeholder in an IPv6 address; a host's name was expected");
    }
    if (has_dot_segment(parts.path)) {
        refuse_url("has a segment . or .. in its path; none was expected");
    }
    return url;
}

FilledUrl UrlTemplate::fill(const ArgsView& args, const TemplateJob& job, const TemplateValues& values) const
{
    const std::string host = host_.fill(args, job, with_shape(values, host_value));
    const std::string path = path_.fill(args, job, with_shape(values, path_value));
    const std::string query = query_.fill(args, job,
        with_shape(
            values, [](const std::string&, const std::string& value) { return percent_escape(value); }));
    if (literal_host_.empty() && !is_host(host)) {
        throw Error(ErrorKind::refused, "the URL's host, with its values filled in, is no valid name");
    }
    if (has_dot_segment(path)) {
        throw Error(
            ErrorKind::refused, "a value makes a segment of the URL's path . or ..; none was expected");
    }
    return {scheme_ + host + port_ + path + query, literal_host_.empty() ? host : literal_host_};
}

std::vector<std::string> UrlTemplate::secrets() const
{
    auto names = path_.secrets();
    for (auto& name : query_.secrets()) {
        names.push_back(std::move(name));
    }
    return names;
}

} // namespace jobrunner
