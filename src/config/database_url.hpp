#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace jobrunner {

// Throws Error{usage}, which never holds a password, unless `url` is one of
//   postgresql://… or postgres://…   handed to libpq as it is
//   sqlite:///path                   an absolute path
//   sqlite:///./path, sqlite:path    relative to the current directory
void check_database_url(std::string_view url);

// `url` for messages and logs: every password replaced by ***. Text that is no URL becomes ***
// as a whole. What might be part of a password is left out too, so the result is only for people.
[[nodiscard]] std::string redact_url(std::string_view url);

// A PostgreSQL URL without its passwords, for handing to a job; other URLs as they are.
[[nodiscard]] std::string without_password(std::string_view url);

// A relative SQLite URL made absolute, starting at `directory`; other URLs as they are.
[[nodiscard]] std::string resolve_database_url(std::string_view url, const std::filesystem::path& directory);

// The three places that may name the database. Unset and empty mean the same.
struct DatabaseSources {
    std::optional<std::string> flag;        // --database
    std::optional<std::string> environment; // $JOBRUNNER_DATABASE
    std::optional<std::string> file;        // Config::database
};

// The URL of the first source that is set, in the order of DatabaseSources.
// Throws Error{usage} when none is set, or when the first one is not a database URL; the message
// names the source.
[[nodiscard]] std::string choose_database(const DatabaseSources& sources);

} // namespace jobrunner
