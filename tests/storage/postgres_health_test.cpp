// The views that show dead rows, indexes and held snapshots.
#include "storage/postgres_database.hpp"

#include "support/skip.hpp"

#include <doctest/doctest.h>

using namespace jobrunner;
using namespace jobrunner::tests;

TEST_CASE("postgres health: who holds a snapshot, for how long and how far behind")
{
    const auto url = postgres_url();
    if (!url) {
        return;
    }
    PostgresDatabase database(*url);
    const auto holder = database.connect();
    pqxx::transaction<pqxx::isolation_level::repeatable_read> held(*holder);
    held.exec("SET LOCAL application_name = 'a long report'");
    held.exec("SELECT count(*) FROM jobs");
    database.run_sql("INSERT INTO jobs (kind) VALUES ('email')");

    const std::string mine = "pid = " + std::to_string(holder->backendpid());
    CHECK(database.row("SELECT holder, name, state, held_for > interval '0', transactions_behind > 0 FROM "
                       "held_snapshots WHERE " +
              mine) == "session|a long report|idle in transaction|t|t");
    held.commit();
    CHECK(database.rows("SELECT 1 FROM held_snapshots WHERE " + mine).empty());
}

TEST_CASE("postgres health: an index that lost most of its entries is told from a tight one")
{
    const auto url = postgres_url();
    if (!url) {
        return;
    }
    PostgresDatabase database(*url);
    const std::string ratio =
        "SELECT index_bytes::float8 / bytes_if_rebuilt FROM index_health WHERE index_name = 'jobs_pkey'";
    database.run_sql("INSERT INTO jobs (kind) SELECT 'email' FROM generate_series(1, 20000)");
    database.run_sql("REINDEX INDEX jobs_pkey");
    database.run_sql("ANALYZE jobs");
    const double tight = std::stod(database.row(ratio));
    CHECK(tight > 0.7);
    CHECK(tight < 1.4);

    database.run_sql("DELETE FROM jobs WHERE id % 20 <> 0");
    database.run_sql("ANALYZE jobs");
    CHECK(std::stod(database.row(ratio)) > 5);
    CHECK(database.row("SELECT live_rows > 0, table_bytes > 0, index_bytes > 0 FROM table_health WHERE "
                       "table_name = 'jobs'") == "t|t|t");
}
