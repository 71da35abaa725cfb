#pragma once

#include "storage/open_storage.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace jobrunner {

// One attempt of a job whose kind is an SQL statement, or of several that are run together.
struct SqlAttempt {
    struct Job {
        ClaimToken token;
        std::string args; // JSON
    };
    std::vector<Job> jobs; // one, or a chunk
    bool is_chunk = false; // though it may be of one
    // Of $1 = args and $2 = the job's id it names what it needs. For a chunk $1 is an array of all args and $2 one of all ids, in
    // the same order, and rows with a column job_id are the results of those jobs.
    std::string statement;
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
// effects happen if and only if the job completes by it. Whatever else happens is rolled back. All jobs of a chunk complete
// together or none does.
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

// What $1 and $2 are bound to: JSON, and on SQLite for a chunk JSON too; on PostgreSQL $2 of a chunk is an array.
[[nodiscard]] std::string sql_args(const SqlAttempt& attempt);
// The ids between commas.
[[nodiscard]] std::string sql_ids(const SqlAttempt& attempt);

// Connects with the first run(). Throws Error{usage} for a URL of neither backend.
[[nodiscard]] std::unique_ptr<SqlSession> open_sql_session(const DatabaseOptions& options);

} // namespace jobrunner
