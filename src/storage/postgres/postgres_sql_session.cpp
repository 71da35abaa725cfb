#include "storage/postgres/postgres_sql_session.hpp"

#include "core/text.hpp"
#include "storage/fault_point.hpp"
#include "storage/postgres/connection.hpp"

#include <libpq-fe.h>
#include <nlohmann/json.hpp>

#include <poll.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <map>

namespace jobrunner::postgres {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr int runs_max = 5; // of a transaction that deadlocks
constexpr std::chrono::milliseconds look_every{50};
constexpr std::chrono::seconds patience{30}; // with a server that does not keep its own timeout

// Type numbers of the system catalog, which are the same in every database.
constexpr Oid jsonb_type = 3802;
constexpr Oid bigint_type = 20;
constexpr Oid bigints_type = 1016;

struct FreeConnection {
    void operator()(PGconn* connection) const { ::PQfinish(connection); }
};
struct FreeResult {
    void operator()(PGresult* result) const { ::PQclear(result); }
};
using Result = std::unique_ptr<PGresult, FreeResult>;

// What the server refused.
struct Refusal {
    std::string state;
    std::string message;
};

// A value as JSON: numbers as they are written, JSON as it is, everything else as text.
std::string value_json(const PGresult* row, int column)
{
    if (::PQgetisnull(row, 0, column) != 0) {
        return "null";
    }
    const std::string text = ::PQgetvalue(row, 0, column);
    switch (::PQftype(row, column)) {
    case 114: // json
    case jsonb_type:
        return text;
    case 16: // boolean
        return text == "t" ? "true" : "false";
    case 21: // smallint
    case 23: // integer
    case bigint_type:
        return text;
    case 700:  // real
    case 701:  // double precision
    case 1700: // numeric; NaN and Infinity are no JSON numbers
        return text.find_first_not_of("0123456789.eE+-") == std::string::npos ? text
                                                                              : nlohmann::json(text).dump();
    default:
        return nlohmann::json(scrub_text(text)).dump();
    }
}

// `without`: a column that is left out, or -1.
std::optional<std::string> row_json(const PGresult* row, int without = -1)
{
    constexpr Oid void_type = 2278;
    std::string json;
    for (int i = 0; i < ::PQnfields(row); ++i) {
        if (::PQftype(row, i) != void_type && i != without) {
            json += json.empty() ? "{" : ", ";
            json += nlohmann::json(scrub_text(::PQfname(row, i))).dump() + ": " + value_json(row, i);
        }
    }
    return json.empty() ? std::nullopt : std::optional(json + "}");
}

// What the jobs' completions carry, and how it is gathered from the rows of the statement.
class Results {
public:
    explicit Results(const SqlAttempt& attempt) : attempt_(attempt) {}

    void take(const PGresult* row)
    {
        if (!attempt_.is_chunk) {
            by_job_.try_emplace(attempt_.jobs.front().token.job, row_json(row));
            return;
        }
        const int column = ::PQfnumber(row, "job_id");
        if (column >= 0 && ::PQgetisnull(row, 0, column) == 0) {
            by_job_.try_emplace(
                std::strtoll(::PQgetvalue(row, 0, column), nullptr, 10), row_json(row, column));
        }
    }

    // [[token, result], ...] of all jobs, a result being null where there is none.
    [[nodiscard]] std::string completions() const
    {
        std::string json;
        for (const auto& job : attempt_.jobs) {
            const auto found = by_job_.find(job.token.job);
            json += json.empty() ? "[[\"" : ",[\"";
            json += to_text(job.token) + "\",";
            json += (found == by_job_.end() ? std::nullopt : found->second).value_or("null") + "]";
        }
        return json + "]";
    }

private:
    const SqlAttempt& attempt_;
    std::map<JobId, std::optional<std::string>> by_job_;
};

class PostgresSqlSession final : public SqlSession {
public:
    explicit PostgresSqlSession(const DatabaseOptions& options) : naming_(options) {}

    SqlResult run(const SqlAttempt& attempt, const std::function<bool()>& should_stop) override
    {
        should_stop_ = &should_stop;
        was_stopped_ = false;
        for (int left = runs_max;; --left) {
            begin(attempt);
            try {
                return run_begun(attempt);
            } catch (const Refusal& refusal) {
                roll_back();
                const bool may_run_again = refusal.state == "40001" || refusal.state == "40P01";
                if (left <= 1 || !may_run_again || should_stop()) {
                    return result_of(refusal);
                }
            } catch (const Error& error) {
                connection_.reset();
                return {.end = SqlEnd::failed, .error_class = "08006", .error = error.what()};
            }
        }
    }

private:
    void connect()
    {
        const auto& options = naming_.options();
        connection_.reset(::PQconnectdb(url_with_defaults(options.url, options.application).c_str()));
        if (::PQstatus(connection_.get()) != CONNECTION_OK) {
            const std::string message = ::PQerrorMessage(connection_.get());
            connection_.reset();
            throw Error(ErrorKind::unreachable,
                "the database is not reachable: " + message.substr(0, message.find('\n')));
        }
        ::PQsetClientEncoding(connection_.get(), "UTF8");
    }

    void begin(const SqlAttempt& attempt)
    {
        deadline_ = SteadyClock::now() + patience;
        if (connection_) {
            // It may have broken since the last job.
            try {
                return begin_connected(attempt);
            } catch (const Error&) {
                connection_.reset();
            } catch (const Refusal&) {
                connection_.reset();
            }
        }
        connect();
        try {
            begin_connected(attempt);
        } catch (const Refusal& refusal) {
            throw Error(ErrorKind::unreachable, refusal.message);
        }
    }

    void begin_connected(const SqlAttempt& attempt)
    {
        std::string sql =
            "BEGIN; SET LOCAL client_min_messages = warning; SET LOCAL TimeZone = 'UTC'; "
            "SET LOCAL idle_in_transaction_session_timeout = '60s'; SET LOCAL statement_timeout = " +
            std::to_string(attempt.timeout ? std::max<std::int64_t>(attempt.timeout->count(), 1) : 0);
        if (::PQserverVersion(connection_.get()) >= 140000) {
            sql += "; SET LOCAL client_connection_check_interval = '1s'";
        }
        script(sql);
    }

    SqlResult run_begun(const SqlAttempt& attempt)
    {
        deadline_ = attempt.timeout ? SteadyClock::now() + *attempt.timeout + patience
                                    : SteadyClock::time_point::max();
        if (!are_held(attempt)) {
            roll_back();
            return {.end = SqlEnd::lost, .error = "the claim on this job is no longer held"};
        }
        if (attempt.role) {
            script("SET LOCAL ROLE " + quote_identifier(*attempt.role));
        }
        fault_point("sql_begun");
        const auto args = sql_args(attempt);
        const auto ids = attempt.is_chunk ? "{" + sql_ids(attempt) + "}" : sql_ids(attempt);
        send(attempt.statement, {jsonb_type, attempt.is_chunk ? bigints_type : bigint_type},
            {args.c_str(), ids.c_str()});
        fault_point("sql_statement_sent");
        Results results(attempt);
        gather([&](const PGresult* row) { results.take(row); });
        fault_point("sql_statement_done");
        if (::PQtransactionStatus(connection_.get()) != PQTRANS_INTRANS) {
            connection_.reset();
            return {.end = SqlEnd::failed_for_good,
                .error = "the statement ended the transaction; one that leaves it open was expected"};
        }
        deadline_ = SteadyClock::now() + patience;
        script("RESET ROLE; SET LOCAL statement_timeout = 0; SET LOCAL enable_seqscan = off; "
               "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL "
               "enable_bitmapscan = off");
        const auto completions = results.completions();
        fault_point("sql_before_complete");
        send(naming_.localize("SELECT {schema}.complete(c ->> 0, nullif(c -> 1, 'null')) "
                              "FROM jsonb_array_elements($1) c"),
            {jsonb_type}, {completions.c_str()});
        fault_point("sql_complete_sent");
        gather();
        commit();
        return {};
    }

    void commit()
    {
        fault_point("sql_before_commit");
        send("COMMIT");
        fault_point("sql_commit_sent");
        gather();
        fault_point("sql_committed");
    }

    // Whether all of its jobs' claims are.
    bool are_held(const SqlAttempt& attempt)
    {
        const auto ids = "{" + sql_ids(attempt) + "}";
        std::string fences;
        for (const auto& job : attempt.jobs) {
            fences += (fences.empty() ? "{" : ",") + std::to_string(job.token.fence);
        }
        fences += "}";
        const auto worker = std::to_string(attempt.jobs.front().token.worker);
        send(naming_.localize(
                 "SELECT 1 FROM unnest($1, $2) AS c (id, fence) "
                 "CROSS JOIN LATERAL (SELECT FROM {schema}.jobs j WHERE j.id = c.id AND j.fence = c.fence "
                 "AND j.worker = $3 AND j.state = 'running') held"),
            {bigints_type, bigints_type, bigint_type}, {ids.c_str(), fences.c_str(), worker.c_str()});
        std::size_t held = 0;
        gather([&](const PGresult* /*row*/) { ++held; });
        return held == attempt.jobs.size();
    }

    // Runs SQL without parameters. Throws Refusal; Error{unreachable} where the connection broke.
    void script(const std::string& sql)
    {
        send(sql);
        gather();
    }

    void send(const std::string& sql)
    {
        if (::PQsendQuery(connection_.get(), sql.c_str()) == 0) {
            throw broken();
        }
    }

    void send(
        const std::string& sql, std::initializer_list<Oid> types, std::initializer_list<const char*> values)
    {
        std::array<Oid, 3> all_types{};
        std::array<const char*, 3> all_values{};
        std::ranges::copy(types, all_types.begin());
        std::ranges::copy(values, all_values.begin());
        if (::PQsendQueryParams(connection_.get(), sql.c_str(), static_cast<int>(types.size()),
                all_types.data(), all_values.data(), nullptr, nullptr, 0) == 0) {
            throw broken();
        }
        // However many rows there are, one is held at a time.
        ::PQsetSingleRowMode(connection_.get());
    }

    // What was sent, to its end.
    void gather(const std::function<void(const PGresult*)>& take_row = {})
    {
        std::optional<Refusal> refusal;
        while (const Result result = next_result()) {
            const auto status = ::PQresultStatus(result.get());
            if (status == PGRES_SINGLE_TUPLE || status == PGRES_TUPLES_OK) {
                if (take_row && ::PQntuples(result.get()) > 0) {
                    take_row(result.get());
                }
            } else if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH) {
                throw Error(ErrorKind::usage, "the statement is a COPY; one that sends no data was expected");
            } else if (status != PGRES_COMMAND_OK && status != PGRES_EMPTY_QUERY && !refusal) {
                refusal = refusal_of(result.get());
            }
        }
        if (refusal) {
            throw Refusal(*refusal);
        }
    }

    Refusal refusal_of(const PGresult* result) const
    {
        const char* state = ::PQresultErrorField(result, PG_DIAG_SQLSTATE);
        const char* message = ::PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
        if (state == nullptr || ::PQstatus(connection_.get()) != CONNECTION_OK) {
            throw broken();
        }
        return {state, message == nullptr ? "refused" : message};
    }

    // The next result of what was sent; cancels it once somebody wants it stopped.
    Result next_result()
    {
        bool cancelled = false;
        while (::PQisBusy(connection_.get()) != 0) {
            pollfd socket{::PQsocket(connection_.get()), POLLIN, 0};
            ::poll(&socket, 1, static_cast<int>(look_every.count()));
            if (::PQconsumeInput(connection_.get()) == 0) {
                throw broken();
            }
            if (!cancelled && (*should_stop_)()) {
                cancel();
                cancelled = true;
                was_stopped_ = true;
                deadline_ = std::min(deadline_, SteadyClock::now() + patience);
            }
            if (SteadyClock::now() > deadline_) {
                throw Error(ErrorKind::unreachable, "the server did not answer in time");
            }
        }
        return Result(::PQgetResult(connection_.get()));
    }

    void cancel()
    {
        const std::unique_ptr<PGcancel, decltype(&::PQfreeCancel)> request(
            ::PQgetCancel(connection_.get()), &::PQfreeCancel);
        std::array<char, 256> problem{};
        if (request) {
            ::PQcancel(request.get(), problem.data(), problem.size());
        }
    }

    Error broken() const
    {
        const std::string message = ::PQerrorMessage(connection_.get());
        return {ErrorKind::unreachable,
            "the connection to the database broke: " + message.substr(0, message.find('\n'))};
    }

    // A connection that cannot even do that is given up; the server rolls back then.
    void roll_back()
    {
        static const std::function<bool()> go_on = [] { return false; };
        const auto* asked = std::exchange(should_stop_, &go_on);
        deadline_ = SteadyClock::now() + patience;
        try {
            if (connection_) {
                script("ROLLBACK");
            }
        } catch (const Error&) {
            connection_.reset();
        } catch (const Refusal&) {
            connection_.reset();
        }
        should_stop_ = asked;
    }

    SqlResult result_of(const Refusal& refusal) const
    {
        if (refusal.state == "57014") { // query_canceled: by its timeout, or by us
            return {.end = was_stopped_ ? SqlEnd::stopped : SqlEnd::timed_out};
        }
        if (refusal.state == "JR409") {
            return {.end = SqlEnd::lost, .error = refusal.message};
        }
        return {.end = SqlEnd::failed, .error_class = refusal.state, .error = scrub_text(refusal.message)};
    }

    Connection naming_; // never connected: it knows the schema's name
    std::unique_ptr<PGconn, FreeConnection> connection_;
    const std::function<bool()>* should_stop_ = nullptr;
    SteadyClock::time_point deadline_{};
    bool was_stopped_ = false;
};

} // namespace

std::unique_ptr<SqlSession> make_sql_session(const DatabaseOptions& options)
{
    return std::make_unique<PostgresSqlSession>(options);
}

} // namespace jobrunner::postgres
