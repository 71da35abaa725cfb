#include "storage/sqlite/sqlite_sql_session.hpp"

#include "core/text.hpp"
#include "storage/fault_point.hpp"
#include "storage/sqlite/connection.hpp"

#include <nlohmann/json.hpp>
#include <sqlite3.h>

#include <chrono>
#include <cmath>
#include <functional>
#include <map>
#include <string_view>

namespace jobrunner::sqlite {
namespace {

using SteadyClock = std::chrono::steady_clock;

// Nobody else writes the file while a statement runs, heartbeats and cancel requests among them.
constexpr std::chrono::milliseconds longest_hold{5'000};
constexpr int steps_between_looks = 10'000; // of SQLite's virtual machine

struct Finalize {
    void operator()(sqlite3_stmt* statement) const { ::sqlite3_finalize(statement); }
};
using Prepared = std::unique_ptr<sqlite3_stmt, Finalize>;

// Ends the transaction that it leaves; run() turns it into its result.
struct Ended {
    SqlResult result;
};

std::string value_json(sqlite3_stmt* row, int column)
{
    switch (::sqlite3_column_type(row, column)) {
    case SQLITE_NULL:
        return "null";
    case SQLITE_INTEGER:
        return std::to_string(::sqlite3_column_int64(row, column));
    case SQLITE_FLOAT:
        if (std::isfinite(::sqlite3_column_double(row, column))) {
            return nlohmann::json(::sqlite3_column_double(row, column)).dump();
        }
        [[fallthrough]];
    default: {
        const auto* bytes = reinterpret_cast<const char*>(::sqlite3_column_text(row, column));
        const auto size = static_cast<std::size_t>(::sqlite3_column_bytes(row, column));
        return nlohmann::json(scrub_text({bytes == nullptr ? "" : bytes, size})).dump();
    }
    }
}

// `without`: a column that is left out, or -1.
std::string row_json(sqlite3_stmt* row, int without = -1)
{
    std::string json = "{";
    for (int i = 0; i < ::sqlite3_column_count(row); ++i) {
        if (i == without) {
            continue;
        }
        json += json.size() == 1 ? "" : ", ";
        json += nlohmann::json(scrub_text(::sqlite3_column_name(row, i))).dump() + ": " + value_json(row, i);
    }
    return json + "}";
}

int authorize(void* /*context*/, int action, const char* /*first*/, const char* /*second*/,
    const char* /*database*/, const char* /*trigger*/)
{
    const bool leaves = action == SQLITE_ATTACH || action == SQLITE_DETACH || action == SQLITE_TRANSACTION ||
        action == SQLITE_SAVEPOINT || action == SQLITE_PRAGMA;
    return leaves ? SQLITE_DENY : SQLITE_OK;
}

class SqliteSqlSession final : public SqlSession {
public:
    SqliteSqlSession(std::string path, DatabaseOptions options)
        : path_(std::move(path)), options_(std::move(options))
    {
    }

    SqlResult run(const SqlAttempt& attempt, const std::function<bool()>& should_stop) override
    {
        if (attempt.role) {
            return {.end = SqlEnd::failed_for_good, .error = "sql_role is set; SQLite has no roles"};
        }
        if (!connection_) {
            connection_ = std::make_unique<Connection>(path_, options_, Connection::Missing::refuse);
        }
        watch_ = {.should_stop = &should_stop,
            .is_capped = attempt.timeout.value_or(Milliseconds::max()) > longest_hold};
        try {
            connection_->write([&] {
                watch_.deadline =
                    SteadyClock::now() + std::min(attempt.timeout.value_or(longest_hold), longest_hold);
                for (const auto& job : attempt.jobs) {
                    check_held(job.token);
                }
                fault_point("sql_begun");
                const auto results = run_statement(attempt);
                fault_point("sql_before_complete");
                for (const auto& job : attempt.jobs) {
                    const auto result = results.find(job.token.job);
                    complete(job.token, result == results.end() ? nullptr : &result->second);
                }
                fault_point("sql_before_commit");
            });
            fault_point("sql_committed");
        } catch (const Ended& ended) {
            return ended.result;
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::unreachable) {
                throw;
            }
            return {.end = SqlEnd::failed, .error_class = "sqlite", .error = error.what()};
        }
        return {};
    }

private:
    struct Watch {
        const std::function<bool()>* should_stop = nullptr;
        SteadyClock::time_point deadline{};
        bool stopped = false;
        bool timed_out = false;
        bool is_capped = false; // the deadline is ours, not the kind's
    };

    // A statement under the rules for those that are not ours, for as long as this lives.
    struct Guard {
        explicit Guard(SqliteSqlSession& of) : database(of.connection_->handle())
        {
            ::sqlite3_set_authorizer(database, &authorize, nullptr);
            ::sqlite3_progress_handler(database, steps_between_looks, &look, &of.watch_);
        }
        Guard(const Guard&) = delete;
        Guard& operator=(const Guard&) = delete;
        ~Guard()
        {
            ::sqlite3_set_authorizer(database, nullptr, nullptr);
            ::sqlite3_progress_handler(database, 0, nullptr, nullptr);
        }
        sqlite3* database;
    };

    static int look(void* context)
    {
        auto& watch = *static_cast<Watch*>(context);
        watch.stopped = watch.stopped || (*watch.should_stop)();
        watch.timed_out = !watch.stopped && SteadyClock::now() >= watch.deadline;
        return watch.stopped || watch.timed_out ? 1 : 0;
    }

    [[noreturn]] void refuse(int code)
    {
        sqlite3* database = connection_->handle();
        SqlResult result{.end = SqlEnd::failed,
            .error_class = ::sqlite3_errstr(code),
            .error = scrub_text(::sqlite3_errmsg(database))};
        if (watch_.timed_out && watch_.is_capped) {
            result.error =
                "stopped after five seconds, in which it held the file; a shorter statement was expected";
        } else if (watch_.stopped || watch_.timed_out) {
            result = {.end = watch_.stopped ? SqlEnd::stopped : SqlEnd::timed_out};
        }
        throw Ended{std::move(result)};
    }

    Prepared prepare(const std::string& sql, const char** rest = nullptr)
    {
        sqlite3_stmt* made = nullptr;
        const int code = ::sqlite3_prepare_v2(
            connection_->handle(), sql.c_str(), static_cast<int>(sql.size()) + 1, &made, rest);
        if (code != SQLITE_OK) {
            refuse(code);
        }
        return Prepared(made);
    }

    // How many rows there were.
    int step_all(sqlite3_stmt* statement, const std::function<void()>& take_row = {})
    {
        int rows = 0;
        int code = ::sqlite3_step(statement);
        for (; code == SQLITE_ROW; code = ::sqlite3_step(statement)) {
            ++rows;
            if (take_row) {
                take_row();
            }
        }
        if (code != SQLITE_DONE) {
            refuse(code);
        }
        return rows;
    }

    void check_held(const ClaimToken& token)
    {
        const auto statement =
            prepare("SELECT 1 FROM jobs WHERE id = ?1 AND fence = ?2 AND worker = ?3 AND state = 'running'");
        ::sqlite3_bind_int64(statement.get(), 1, token.job);
        ::sqlite3_bind_int64(statement.get(), 2, token.fence);
        ::sqlite3_bind_int64(statement.get(), 3, token.worker);
        if (step_all(statement.get()) == 0) {
            throw Ended{{.end = SqlEnd::lost, .error = "the claim on this job is no longer held"}};
        }
    }

    // What the statement's rows give as the jobs' results.
    std::map<JobId, std::string> run_statement(const SqlAttempt& attempt)
    {
        const Guard guard(*this);
        const char* rest = nullptr;
        const auto statement = prepare(attempt.statement, &rest);
        // What follows may be blanks and comments, of which nothing can be prepared.
        if (!statement || prepare(rest)) {
            throw Ended{{.end = SqlEnd::failed_for_good,
                .error = "sql holds none or several statements; one was expected"}};
        }
        const auto args = sql_args(attempt);
        for (const char* name : {"$1", "?1"}) {
            if (const int at = ::sqlite3_bind_parameter_index(statement.get(), name)) {
                ::sqlite3_bind_text64(
                    statement.get(), at, args.data(), args.size(), SQLITE_STATIC, SQLITE_UTF8);
            }
        }
        const auto ids = "[" + sql_ids(attempt) + "]";
        for (const char* name : {"$2", "?2"}) {
            const int at = ::sqlite3_bind_parameter_index(statement.get(), name);
            if (at != 0 && attempt.is_chunk) {
                ::sqlite3_bind_text64(
                    statement.get(), at, ids.data(), ids.size(), SQLITE_STATIC, SQLITE_UTF8);
            } else if (at != 0) {
                ::sqlite3_bind_int64(statement.get(), at, attempt.jobs.front().token.job);
            }
        }
        return results_of(attempt, statement.get());
    }

    std::map<JobId, std::string> results_of(const SqlAttempt& attempt, sqlite3_stmt* statement)
    {
        int job_column = -1;
        for (int i = 0; attempt.is_chunk && i < ::sqlite3_column_count(statement); ++i) {
            job_column = std::string_view(::sqlite3_column_name(statement, i)) == "job_id" ? i : job_column;
        }
        std::map<JobId, std::string> results;
        step_all(statement, [&] {
            if (!attempt.is_chunk) {
                results.try_emplace(attempt.jobs.front().token.job, row_json(statement));
            } else if (job_column >= 0) {
                results.try_emplace(
                    ::sqlite3_column_int64(statement, job_column), row_json(statement, job_column));
            }
        });
        return results;
    }

    void complete(const ClaimToken& token, const std::string* result)
    {
        const auto statement = prepare("INSERT INTO complete (token, result) VALUES (?1, ?2)");
        const auto text = to_text(token);
        ::sqlite3_bind_text64(statement.get(), 1, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
        if (result != nullptr) {
            ::sqlite3_bind_text64(
                statement.get(), 2, result->data(), result->size(), SQLITE_STATIC, SQLITE_UTF8);
        }
        step_all(statement.get());
    }

    std::string path_;
    DatabaseOptions options_;
    std::unique_ptr<Connection> connection_;
    Watch watch_;
};

} // namespace

std::unique_ptr<SqlSession> make_sql_session(const std::string& path, const DatabaseOptions& options)
{
    return std::make_unique<SqliteSqlSession>(path, options);
}

} // namespace jobrunner::sqlite
