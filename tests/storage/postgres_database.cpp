#include "storage/postgres_database.hpp"

#include "support/skip.hpp"

#include <unistd.h>

#include <atomic>
#include <cstdlib>

namespace jobrunner::tests {

std::optional<std::string> postgres_url()
{
    const char* const url = std::getenv("JOBRUNNER_TEST_POSTGRES");
    if (url == nullptr) {
        note_skipped("JOBRUNNER_TEST_POSTGRES is not set; run below scripts/with_postgres");
        return std::nullopt;
    }
    return url;
}

std::string fresh_name(const std::string& what)
{
    static std::atomic<int> count{0};
    return what + "_" + std::to_string(::getpid()) + "_" + std::to_string(++count);
}

std::unique_ptr<pqxx::connection> connect_postgres(const std::string& url, const std::string& schema)
{
    auto session = std::make_unique<pqxx::connection>(url);
    pqxx::nontransaction tx(*session);
    tx.exec("SET search_path = " + tx.quote_name(schema) + "; SET client_min_messages = warning");
    return session;
}

std::vector<std::string> joined_rows(const pqxx::result& result)
{
    std::vector<std::string> rows;
    for (const auto& row : result) {
        std::string line;
        for (const auto& field : row) {
            line += (field.num() > 0 ? "|" : "") + std::string(field.c_str());
        }
        rows.push_back(line);
    }
    return rows;
}

PostgresDatabase::PostgresDatabase(std::string url, bool migrated)
    : url_(std::move(url)), schema_(fresh_name("test")), session_(connect())
{
    if (migrated) {
        open_migrator(options())->migrate(std::nullopt);
    }
}

PostgresDatabase::~PostgresDatabase()
{
    try {
        run_sql("DROP SCHEMA IF EXISTS " + schema_ + " CASCADE");
    } catch (const std::exception&) {
        // The cluster goes away with the tests.
    }
}

DatabaseOptions PostgresDatabase::options() const
{
    DatabaseOptions options;
    options.url = url_;
    options.schema = schema_;
    options.deadline =
        std::chrono::minutes(2); // a machine that stands still for a while is not what is tested
    return options;
}

void PostgresDatabase::run_sql(const std::string& sql)
{
    pqxx::nontransaction tx(*session_);
    tx.exec(sql);
}

std::vector<std::string> PostgresDatabase::rows(const std::string& sql)
{
    pqxx::nontransaction tx(*session_);
    return joined_rows(tx.exec(sql));
}

std::string PostgresDatabase::row(const std::string& sql)
{
    const auto all = rows(sql);
    return all.empty() ? std::string() : all.front();
}

std::string PostgresDatabase::refusal(const std::string& sql)
{
    try {
        run_sql(sql);
        return {};
    } catch (const pqxx::sql_error& error) {
        return error.what();
    }
}

} // namespace jobrunner::tests
