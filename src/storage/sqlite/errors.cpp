#include "storage/sqlite/errors.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>

namespace jobrunner::sqlite {
namespace {

// What follows the last ": ", where SQLite names what a constraint is about.
std::string subject_of(const std::string& message)
{
    const auto colon = message.rfind(": ");
    return colon == std::string::npos ? message : message.substr(colon + 2);
}

// Constraint names begin with their table's name.
std::string without_table(const std::string& name)
{
    constexpr std::array<std::string_view, 4> of_two_words{
        "output_chunks_", "attempt_log_", "dead_jobs_", "dependency_counts_"};
    for (const auto table : of_two_words) {
        if (name.starts_with(table)) {
            return name.substr(table.size());
        }
    }
    const auto end = name.find('_');
    return end == std::string::npos ? name : name.substr(end + 1);
}

// Constraint names say in words what is expected: jobs_run_at_is_finite becomes "run_at must be finite".
std::string check_in_words(const std::string& constraint)
{
    const std::string name = without_table(constraint);
    constexpr std::string_view is = "_is_";
    const auto at = name.find(is);
    if (at == std::string::npos) {
        return "refused by the constraint " + constraint;
    }
    std::string rest = name.substr(at + is.size());
    std::replace(rest.begin(), rest.end(), '_', ' ');
    return name.substr(0, at) + (rest.starts_with("not served") ? " is " : " must be ") + rest;
}

std::string constraint_in_words(int code, const std::string& message)
{
    const std::string subject = subject_of(message);
    switch (code) {
    case SQLITE_CONSTRAINT_CHECK:
        return check_in_words(subject);
    case SQLITE_CONSTRAINT_UNIQUE:
        return subject == "jobs.unique_key" ? "unique_key is held by an unfinished job"
                                            : subject + " is there already";
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
        return subject + " is there already";
    case SQLITE_CONSTRAINT_NOTNULL:
        return subject.substr(subject.find('.') + 1) + " is missing";
    default:
        return "refused: " + message;
    }
}

// What the views' triggers raise; see migrations/sqlite/0005_functions.sql.
ErrorKind kind_of_raised(const std::string& message)
{
    if (message.ends_with("is not found")) {
        return ErrorKind::not_found;
    }
    const bool possible = message.find("not possible") == std::string::npos &&
        message.find("no longer held") == std::string::npos && message.find("no token") == std::string::npos;
    return possible ? ErrorKind::refused : ErrorKind::not_possible;
}

[[noreturn]] void throw_plain_error(const std::string& message, const std::string& file)
{
    if (message.starts_with("no such ") || message.find("has no column") != std::string::npos) {
        throw Error(ErrorKind::outdated,
            file + " has no fitting jobrunner schema (" + message + "); run: jobrunner migrate");
    }
    if (message.find("JSON") != std::string::npos) {
        throw Error(ErrorKind::refused, "refused: " + message);
    }
    throw Error(ErrorKind::internal, "database " + file + ": " + message);
}

// The operating system's own word, where there is one.
std::string system_reason(sqlite3* database)
{
    const int reason = database == nullptr ? 0 : sqlite3_system_errno(database);
    return reason == 0 ? std::string() : std::string(" (") + std::strerror(reason) + ")";
}

} // namespace

void throw_error(sqlite3* database, int code, const std::string& file)
{
    const std::string message = database == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(database);
    switch (code & 0xFF) {
    case SQLITE_CONSTRAINT:
        if (code == SQLITE_CONSTRAINT_TRIGGER) {
            throw Error(kind_of_raised(message), message);
        }
        throw Error(ErrorKind::refused, constraint_in_words(code, message));
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG:
    case SQLITE_RANGE:
        throw Error(ErrorKind::refused, "refused: " + message);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        throw Error(ErrorKind::unreachable,
            file + " is held by another program for too long; SQLite does not tell which, `fuser " + file +
                "` may");
    case SQLITE_FULL:
        throw Error(ErrorKind::unreachable, "no space is left where " + file + " lies; free some");
    case SQLITE_READONLY:
        throw Error(ErrorKind::unreachable,
            file + " cannot be written: this user must be allowed to write it and its folder");
    case SQLITE_NOTADB:
        throw Error(ErrorKind::usage, file + " is no SQLite database (or it is encrypted)");
    case SQLITE_CORRUPT:
        throw Error(ErrorKind::internal,
            file + " is damaged (" + message + "); copy it away, then try sqlite3's .recover or a backup");
    case SQLITE_CANTOPEN:
        throw_open_error(database, code, file);
    case SQLITE_IOERR:
    case SQLITE_PROTOCOL:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        throw Error(ErrorKind::unreachable,
            file + " cannot be read or written: " + message + system_reason(database));
    case SQLITE_ERROR:
        throw_plain_error(message, file);
    default:
        throw Error(ErrorKind::internal, "database " + file + ": " + message);
    }
}

void throw_commit_error(sqlite3* database, int code, const std::string& file)
{
    if ((code & 0xFF) == SQLITE_IOERR) {
        throw Error(ErrorKind::in_doubt,
            "the commit to " + file + " failed half-way: " + sqlite3_errmsg(database) +
                system_reason(database));
    }
    throw_error(database, code, file);
}

void throw_open_error(sqlite3* database, int code, const std::string& file)
{
    namespace fs = std::filesystem;
    std::error_code ignored;
    const auto folder = fs::path(file).parent_path();
    if ((code & 0xFF) != SQLITE_CANTOPEN) {
        throw_error(database, code, file);
    }
    if (!fs::is_directory(folder, ignored)) {
        throw Error(
            ErrorKind::unreachable, "the folder " + folder.string() + " does not exist; make it first");
    }
    if (fs::is_directory(file, ignored)) {
        throw Error(ErrorKind::usage, file + " is a folder; the name of a file was expected");
    }
    if (!fs::exists(file, ignored)) {
        throw Error(ErrorKind::outdated, "there is no database " + file + "; run: jobrunner migrate");
    }
    throw Error(ErrorKind::unreachable,
        file + " cannot be opened" + system_reason(database) +
            ": this user must be allowed to read and write it and its folder");
}

} // namespace jobrunner::sqlite
