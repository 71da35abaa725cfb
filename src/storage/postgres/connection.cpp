#include "storage/postgres/connection.hpp"

#include "storage/postgres/errors.hpp"

#include <libpq-fe.h>

#include <algorithm>
#include <cctype>
#include <memory>

namespace jobrunner::postgres {
namespace {

// The planner's: see the head of queries.sql for why. A transaction of ours idles for a round trip; one that idles longer belongs
// to a process that was stopped, or to a host that is gone, and others wait for the rows that it has locked.
constexpr const char* session_settings =
    " enable_seqscan = off; SET %enable_hashjoin = off; SET %enable_mergejoin = off;"
    " SET %enable_bitmapscan = off; SET %jit = off; SET %plan_cache_mode = auto;"
    " SET %TimeZone = 'UTC'; SET %idle_in_transaction_session_timeout = '10s'";

std::string settings(std::string_view scope)
{
    std::string sql = "SET " + std::string(scope) + session_settings;
    for (auto at = sql.find('%'); at != std::string::npos; at = sql.find('%', at)) {
        sql.replace(at, 1, scope);
    }
    return sql;
}

// "host:port/database" for messages: never the password.
std::string describe(const std::string& url)
{
    char* failure = nullptr;
    const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(
        PQconninfoParse(url.c_str(), &failure), &PQconninfoFree);
    if (failure != nullptr) {
        PQfreemem(failure);
    }
    if (!options) {
        throw Error(ErrorKind::usage, "the database URL is not one that PostgreSQL understands");
    }
    const auto value = [&](std::string_view name) -> std::string {
        for (const auto* option = options.get(); option->keyword != nullptr; ++option) {
            if (name == option->keyword && option->val != nullptr) {
                return option->val;
            }
        }
        return {};
    };
    const std::string port = value("port");
    return value("host") + (port.empty() ? "" : ":" + port) + "/" + value("dbname");
}

// The name stands in identifiers, in texts and in the names of channels, which have at most 63 bytes.
void check_schema_name(const std::string& name)
{
    const auto is_allowed = [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
    };
    if (name.empty() || name.size() > 48 || !std::all_of(name.begin(), name.end(), is_allowed)) {
        throw Error(
            ErrorKind::usage, "the schema's name must be 1 to 48 letters, digits, underscores and hyphens");
    }
}

} // namespace

std::string url_with_defaults(std::string url, const std::string& application)
{
    const auto add = [&url](const std::string& name, const std::string& value) {
        if (url.find(name + "=") == std::string::npos) {
            url += (url.find('?') == std::string::npos ? "?" : "&") + name + "=" + value;
        }
    };
    add("fallback_application_name", application);
    add("connect_timeout", "5");
    add("keepalives_idle", "10");
    add("keepalives_interval", "5");
    add("keepalives_count", "3");
    return url;
}

std::string quote_identifier(std::string_view name)
{
    std::string quoted = "\"";
    for (const char c : name) {
        quoted += c;
        if (c == '"') {
            quoted += c;
        }
    }
    return quoted + "\"";
}

Connection::Connection(DatabaseOptions options)
    : options_(std::move(options)),
      url_(url_with_defaults(options_.url, options_.application)),
      server_(describe(url_))
{
    check_schema_name(options_.schema);
}

std::string Connection::localize(std::string_view sql) const
{
    std::string text(sql);
    const auto replace = [&text](std::string_view token, const std::string& value) {
        for (auto at = text.find(token); at != std::string::npos; at = text.find(token, at + value.size())) {
            text.replace(at, token.size(), value);
        }
    };
    replace("{schema}", quote_identifier(options_.schema));
    replace("{channel}", options_.schema);
    return text;
}

pqxx::connection& Connection::session()
{
    if (!session_) {
        try {
            session_ = std::make_unique<pqxx::connection>(url_);
            prepare_session();
        } catch (...) {
            drop();
            rethrow_as_error(false, server_);
        }
    }
    return *session_;
}

void Connection::prepare_session()
{
#if PQXX_VERSION_MAJOR < 7
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    session_->inhibit_reactivation(true);
#pragma GCC diagnostic pop
#endif
    session_->set_client_encoding("UTF8");
    session_->set_variable("client_min_messages", "warning");
    if (!options_.pooled) {
        pqxx::nontransaction tx(*session_);
        tx.exec(settings("SESSION "));
        // A killed worker's backend stops what it runs (PostgreSQL 14 and later).
        if (session_->server_version() >= 140000) {
            tx.exec("SET client_connection_check_interval = '1s'");
        }
    }
}

void Connection::drop()
{
    prepared_.clear();
    session_.reset();
}

pqxx::result Connection::run_in(
    pqxx::transaction_base& transaction, std::string_view query, const Params& params)
{
    const auto values = pqxx::prepare::make_dynamic_params(params.pointers());
    if (options_.pooled) {
        return transaction.exec_params(localize(query), values);
    }
    // Named after its address: queries are constants of this binary.
    const std::string name = "q" + std::to_string(reinterpret_cast<std::uintptr_t>(query.data()));
    if (prepared_.insert(query).second) {
        session_->prepare(name, localize(query));
    }
    return transaction.exec_prepared(name, values);
}

template <typename Work>
auto Connection::guarded(bool writes, Work&& work)
{
    static_cast<void>(session());
    try {
        deadline_.arm(session_->sock(), options_.deadline);
        auto result = work();
        deadline_.disarm();
        return result;
    } catch (...) {
        const bool too_late = deadline_.disarm();
        try {
            rethrow_as_error(writes, server_);
        } catch (const Error& error) {
            const bool broken = error.kind() == ErrorKind::unreachable || error.kind() == ErrorKind::in_doubt;
            if (broken || !session_->is_open()) {
                drop();
            }
            if (broken && too_late) {
                throw Error(error.kind(),
                    "the database " + server_ + " gave no answer within " +
                        std::to_string(options_.deadline.count()) + " ms: the connection was given up");
            }
            throw;
        }
    }
}

pqxx::result Connection::Transaction::run(std::string_view query, const Params& params)
{
    return connection_.run_in(inner_, query, params);
}

pqxx::result Connection::read(std::string_view query, const Params& params)
{
    return single(false, query, params);
}

pqxx::result Connection::write(std::string_view query, const Params& params)
{
    return single(true, query, params);
}

pqxx::result Connection::single(bool writes, std::string_view query, const Params& params)
{
    if (options_.pooled) {
        pqxx::result result;
        transact([&](Transaction& tx) { result = tx.run(query, params); });
        return result;
    }
    return guarded(writes, [&] {
        for (int left = runs_max;; --left) {
            try {
                pqxx::nontransaction tx(*session_);
                return run_in(tx, query, params);
            } catch (const std::exception& failure) {
                if (left <= 1 || !may_run_again(failure)) {
                    throw;
                }
            }
        }
    });
}

void Connection::transact(const std::function<void(Transaction&)>& work)
{
    guarded(false, [&] {
        for (int left = runs_max;; --left) {
            try {
                pqxx::work tx(*session_);
                if (options_.pooled) {
                    tx.exec(settings("LOCAL "));
                }
                Transaction transaction(*this, tx);
                work(transaction);
                // From here on a broken connection leaves it in doubt; libpqxx says so with an exception of its own.
                tx.commit();
                return 0;
            } catch (const std::exception& failure) {
                if (left <= 1 || !may_run_again(failure)) {
                    throw;
                }
            }
        }
    });
}

} // namespace jobrunner::postgres
