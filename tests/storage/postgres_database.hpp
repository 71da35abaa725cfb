// A schema of one test's own in the PostgreSQL cluster beside the tests.
#pragma once

#include "storage/open_storage.hpp"

#include <pqxx/pqxx>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace jobrunner::tests {

// The URL of the cluster beside the tests; says so and returns nothing where there is none.
[[nodiscard]] std::optional<std::string> postgres_url();

// A name that no other test of this or another process uses.
[[nodiscard]] std::string fresh_name(const std::string& what);

// A connection with `schema` as its search_path.
[[nodiscard]] std::unique_ptr<pqxx::connection> connect_postgres(
    const std::string& url, const std::string& schema);

// The rows of one query, columns joined by '|', nulls empty.
[[nodiscard]] std::vector<std::string> joined_rows(const pqxx::result& result);

// A schema name that is free, and a connection; drops the schema when it goes. Migrated unless told otherwise.
class PostgresDatabase {
public:
    explicit PostgresDatabase(std::string url, bool migrated = true);
    PostgresDatabase(const PostgresDatabase&) = delete;
    PostgresDatabase& operator=(const PostgresDatabase&) = delete;
    ~PostgresDatabase();

    [[nodiscard]] DatabaseOptions options() const;
    [[nodiscard]] const std::string& schema() const { return schema_; }
    [[nodiscard]] const std::string& url() const { return url_; }
    [[nodiscard]] std::unique_ptr<pqxx::connection> connect() const
    {
        return connect_postgres(url_, schema_);
    }
    [[nodiscard]] std::unique_ptr<Storage> open() const { return open_storage(options()); }

    // Runs statements on this object's own connection, each call a transaction.
    void run_sql(const std::string& sql);
    [[nodiscard]] std::vector<std::string> rows(const std::string& sql);
    [[nodiscard]] std::string row(const std::string& sql);
    // What the server says to a statement that it refuses; empty where it does not.
    [[nodiscard]] std::string refusal(const std::string& sql);

private:
    std::string url_;
    std::string schema_;
    std::unique_ptr<pqxx::connection> session_;
};

} // namespace jobrunner::tests
