#pragma once

#include "storage/open_storage.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace jobrunner {

// One attempt of a job whose kind is an SQL statement.
struct SqlAttempt {
    ClaimToken token;
    std::string args;      // JSON
    std::string statement; // of $1 = args and $2 = the job's id it names what it needs
    std::optional<std::string> role;
    std::optional<Milliseconds> timeout;
};

enum class SqlEnd {
    completed,
    failed,
    failed_for_good, // no further attempt would help
    timed_out,
    stopped, // was asked to
    lost     // the claim is somebody else's by now, or settled
};

struct SqlResult {
    SqlEnd end = SqlEnd::completed;
    std::string error_class{}; // the SQLSTATE, or SQLite's name for the error
    std::string error{};
};

// A connection of its own that runs the statements of SQL kinds, each in one transaction with the job's completion: its
// effects happen if and only if the job completes by it. Whatever else happens is rolled back.
//
// The job's row is looked at first, without a lock, and locked by the last statement before the commit only.
//
// Threads: one at a time; `should_stop` is asked on that thread while the statement runs, some twenty times a second.
// Errors:  run() throws Error{unreachable} if it could not begin. A connection that breaks later, at the commit even, is a
//          failed attempt: who settles it finds out whether the job completed.
class SqlSession {
public:
    SqlSession() = default;
    SqlSession(const SqlSession&) = delete;
    SqlSession& operator=(const SqlSession&) = delete;
    virtual ~SqlSession() = default;

    [[nodiscard]] virtual SqlResult run(
        const SqlAttempt& attempt, const std::function<bool()>& should_stop) = 0;
};

// Connects with the first run(). Throws Error{usage} for a URL of neither backend.
[[nodiscard]] std::unique_ptr<SqlSession> open_sql_session(const DatabaseOptions& options);

} // namespace jobrunner
