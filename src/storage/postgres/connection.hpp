#pragma once

#include "core/error.hpp"
#include "storage/open_storage.hpp"
#include "storage/postgres/params.hpp"
#include "storage/postgres/socket_deadline.hpp"

#include <pqxx/pqxx>

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>

namespace jobrunner::postgres {

// One connection to a PostgreSQL server that is opened when first used, and anew after it broke. libpqxx's own silent
// reconnection is off: a new session has lost its settings and locks, so only this class may make one.
//
// Threads: not thread-safe.
// Errors: everything that libpqxx throws leaves here as jobrunner::Error.
class Connection {
public:
    explicit Connection(DatabaseOptions options);

    // Runs statements inside one transaction.
    class Transaction {
    public:
        Transaction(Connection& connection, pqxx::transaction_base& inner)
            : connection_(connection), inner_(inner)
        {
        }
        // Runs a named query of queries.sql.
        pqxx::result run(std::string_view query, const Params& params = {});
        // Runs SQL without parameters, one or more statements.
        pqxx::result run_script(const std::string& sql) { return inner_.exec(sql); }

    private:
        Connection& connection_;
        pqxx::transaction_base& inner_;
    };

    // One reading query: a broken connection is `unreachable`, since nothing was at stake.
    pqxx::result read(std::string_view query, const Params& params = {});
    // One writing query, a transaction by itself: a broken connection is `in_doubt`.
    pqxx::result write(std::string_view query, const Params& params = {});
    // Several queries in one transaction. A deadlock or serialisation failure is tried again a few times.
    void transact(const std::function<void(Transaction&)>& work);

    // The query with the schema's name put in; also for scripts such as migrations.
    [[nodiscard]] std::string localize(std::string_view sql) const;
    [[nodiscard]] const DatabaseOptions& options() const { return options_; }
    // Connects if need be. For callers that need the socket itself.
    [[nodiscard]] pqxx::connection& session();
    void drop();

private:
    static constexpr int runs_max = 5; // of a transaction that deadlocks

    pqxx::result single(bool writes, std::string_view query, const Params& params);
    pqxx::result run_in(pqxx::transaction_base& transaction, std::string_view query, const Params& params);
    template <typename Work>
    auto guarded(bool writes, Work&& work);
    void prepare_session();

    DatabaseOptions options_;
    std::string url_;
    std::string server_; // for messages
    SocketDeadline deadline_;
    std::unique_ptr<pqxx::connection> session_;
    std::set<std::string_view> prepared_; // by the query's text, which lives in the binary
};

// Adds libpq parameters that the URL does not set itself. A peer that vanished must be noticed.
[[nodiscard]] std::string url_with_defaults(std::string url, const std::string& application);

// What goes between the quotes of {schema} and in front of a channel's name.
[[nodiscard]] std::string quote_identifier(std::string_view name);

} // namespace jobrunner::postgres
