#include "config/database_url.hpp"

#include "core/error.hpp"

#include <array>

namespace jobrunner {
namespace {

constexpr std::string_view sqlite_scheme = "sqlite:";
constexpr std::string_view sqlite_root = "sqlite://";

bool is_postgres(std::string_view url)
{
    return url.starts_with("postgresql://") || url.starts_with("postgres://");
}

std::string quoted(std::string_view text)
{
    std::string made(1, '"');
    made += text;
    made += '"';
    return made;
}

[[noreturn]] void refuse_url(const std::string& what)
{
    throw Error(ErrorKind::usage, what + "; postgresql://user@host/database or sqlite:///path was expected");
}

// The file of an SQLite URL; relative where the URL is.
std::string sqlite_file(std::string_view url)
{
    if (!url.starts_with(sqlite_root)) {
        return std::string(url.substr(sqlite_scheme.size()));
    }
    const auto path = url.substr(sqlite_root.size());
    return std::string(path.starts_with("/./") ? path.substr(1) : path);
}

int hex_digit(char c)
{
    const std::string_view digits = "0123456789abcdef";
    const auto lower = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
    const auto found = digits.find(lower);
    return found == std::string_view::npos ? -1 : static_cast<int>(found);
}

std::string percent_decoded(std::string_view text)
{
    std::string decoded;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool escaped = text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 &&
            hex_digit(text[i + 2]) >= 0;
        decoded +=
            escaped ? static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2])) : text[i];
        i += escaped ? 2 : 0;
    }
    return decoded;
}

bool is_secret(std::string_view parameter)
{
    const auto name = percent_decoded(parameter.substr(0, parameter.find('=')));
    constexpr std::array<std::string_view, 2> secrets{"password", "sslpassword"};
    for (const auto secret : secrets) {
        if (name == secret) {
            return true;
        }
    }
    return false;
}

// The query (with its '?') of a URL without its secret parameters.
std::string without_secret_parameters(std::string_view query)
{
    std::string kept;
    while (!query.empty()) {
        query.remove_prefix(1); // '?' or '&'
        const auto parameter = query.substr(0, query.find('&'));
        query.remove_prefix(parameter.size());
        if (!is_secret(parameter)) {
            kept += kept.empty() ? '?' : '&';
            kept += parameter;
        }
    }
    return kept;
}

// The position after the '=' of the first secret parameter, or npos.
std::size_t find_secret_value(std::string_view url)
{
    auto at = url.find('?');
    while (at != std::string_view::npos) {
        const auto end = url.find('&', at + 1);
        const auto parameter = url.substr(at + 1, end == std::string_view::npos ? end : end - at - 1);
        const auto equals = parameter.find('=');
        if (equals != std::string_view::npos && is_secret(parameter)) {
            return at + 1 + equals + 1;
        }
        at = end;
    }
    return std::string_view::npos;
}

} // namespace

void check_database_url(std::string_view url)
{
    if (is_postgres(url)) {
        return;
    }
    const auto scheme_end = url.find("://");
    if (url.starts_with(sqlite_root)) {
        const auto path = url.substr(sqlite_root.size());
        if (path.size() < 2 || path.front() != '/' || path.ends_with('/')) {
            refuse_url(quoted(url) + " names no file (an absolute path has three slashes)");
        }
    } else if (url.starts_with(sqlite_scheme)) {
        if (url.size() == sqlite_scheme.size() || url.ends_with('/')) {
            refuse_url(quoted(url) + " names no file");
        }
    } else if (scheme_end != std::string_view::npos) {
        refuse_url(quoted(url.substr(0, scheme_end + 3)) + " is no kind of database that jobrunner knows");
    } else {
        refuse_url("the text is no URL");
    }
}

std::string redact_url(std::string_view url)
{
    if (url.starts_with(sqlite_scheme)) {
        return std::string(url);
    }
    const auto scheme_end = url.find("://");
    if (scheme_end == std::string_view::npos) {
        return "***";
    }
    // Passwords come unescaped too: one before the host may reach up to the last @ before a secret
    // parameter, and that parameter's value up to the end.
    const auto user = scheme_end + 3;
    const auto secret = find_secret_value(url);
    std::string shown(url.substr(0, secret));
    const auto at = shown.rfind('@');
    const auto colon = shown.find(':', user);
    if (at != std::string::npos && colon < at) {
        shown.replace(colon + 1, at - colon - 1, "***");
    }
    return secret == std::string_view::npos ? shown : shown + "***";
}

std::string without_password(std::string_view url)
{
    if (!is_postgres(url)) {
        return std::string(url);
    }
    const auto user = url.find("://") + 3;
    const auto query_at = url.find('?', user);
    const auto query = query_at == std::string_view::npos ? std::string_view{} : url.substr(query_at);
    // As libpq reads it: the user's part ends at the first @, unless a / comes before.
    const auto at = url.find_first_of("@/", user);
    const auto colon = url.find(':', user);
    std::string kept(url.substr(0, url.size() - query.size()));
    if (at != std::string_view::npos && at < kept.size() && url[at] == '@' && colon < at) {
        kept.erase(colon, at - colon);
    }
    return kept + without_secret_parameters(query);
}

std::string resolve_database_url(std::string_view url, const std::filesystem::path& directory)
{
    if (!url.starts_with(sqlite_scheme)) {
        return std::string(url);
    }
    const std::filesystem::path file = sqlite_file(url);
    if (file.is_absolute()) {
        return std::string(sqlite_root) + file.string();
    }
    return std::string(sqlite_root) +
        (std::filesystem::absolute(directory) / file).lexically_normal().string();
}

std::string choose_database(const DatabaseSources& sources)
{
    const std::array<std::pair<std::string_view, const std::optional<std::string>*>, 3> places{
        {{"--database", &sources.flag}, {"$JOBRUNNER_DATABASE", &sources.environment},
            {"database", &sources.file}}};
    for (const auto& [name, url] : places) {
        if (!*url || (*url)->empty()) {
            continue;
        }
        try {
            check_database_url(**url);
        } catch (const Error& error) {
            throw Error(ErrorKind::usage, std::string(name) + ": " + error.what());
        }
        return **url;
    }
    throw Error(ErrorKind::usage,
        "no database is named; give --database URL, set $JOBRUNNER_DATABASE, or write "
        "database = \"URL\" in jobrunner.toml");
}

} // namespace jobrunner
