// Plans of the statements that run all day, on a table that is mostly dead rows below a held snapshot: the very
// statements that Storage sends, as the server explains them in its log.
#include "storage/postgres_database.hpp"
#include "storage/storage_fixture.hpp"

#include "support/skip.hpp"

#include <cstdlib>
#include <fstream>
#include <sstream>

using namespace jobrunner;
using namespace jobrunner::tests;

namespace {

constexpr int dead_rows = 200'000;

class ServerLog {
public:
    explicit ServerLog(std::string path) : path_(std::move(path)), read_(text().size()) {}

    // What was written since the last call.
    std::string news()
    {
        const std::string all = text();
        std::string part = all.substr(read_);
        read_ = all.size();
        return part;
    }

private:
    std::string text() const
    {
        std::ostringstream all;
        all << std::ifstream(path_).rdbuf();
        return all.str();
    }

    std::string path_;
    std::size_t read_;
};

DatabaseOptions explained(DatabaseOptions options)
{
    options.url += "?options=-csession_preload_libraries%3Dauto_explain%20-cauto_explain.log_min_duration%3D0"
                   "%20-cauto_explain.log_nested_statements%3Don";
    return options;
}

// Fills the table with what a busy day leaves while a dump is running, and some live jobs behind it.
void fill(PostgresDatabase& database)
{
    const std::string many = std::to_string(dead_rows);
    database.run_sql("INSERT INTO jobs (kind) SELECT 'email' FROM generate_series(1, " + many + ")");
    database.run_sql("DELETE FROM jobs");
    database.run_sql("INSERT INTO jobs (kind) SELECT 'email' FROM generate_series(1, 2000)");
    database.run_sql("INSERT INTO jobs (kind, run_at) SELECT 'email', now() + interval '1 hour' FROM "
                     "generate_series(1, 500)");
    database.run_sql("ANALYZE jobs");
}

void check_plan(const std::string& plan, const std::vector<std::string>& indexes)
{
    CHECK_MESSAGE(plan.find("Seq Scan on jobs") == std::string::npos, plan);
    CHECK_MESSAGE(plan.find("Bitmap Heap Scan on jobs") == std::string::npos, plan);
    for (const auto& index : indexes) {
        CHECK_MESSAGE(plan.find("using " + index) != std::string::npos, plan);
    }
}

void check_plans(PostgresDatabase& database, Storage& storage, ServerLog& log)
{
    KindPolicy policy = policy_of("email");
    policy.retry.base = 1h; // None of those that fail here is due before the end.
    ProbeRequest probe{.ranges = LaneBook().ranges(true), .fitting_only = true, .kinds = {"email"}};
    ClaimRequest request;
    request.worker = 5;
    request.limit = 100;
    request.lanes = {{{"default", 0}, 0, 100}};
    request.kinds = {"email"};
    // Six times: a prepared statement may change to a generic plan after the fifth.
    for (int round = 0; round < 6; ++round) {
        CAPTURE(round);
        static_cast<void>(log.news());
        CHECK(storage.probe(probe).lanes.size() == 1);
        check_plan(log.news(), {"jobs_claimable", "jobs_due"});

        ++request.batch;
        const auto claimed = storage.claim(request);
        REQUIRE(claimed.size() == 100);
        check_plan(log.news(), {"jobs_claimable"});

        CHECK(storage.claimed_in(5, request.batch).size() == 100);
        check_plan(log.news(), {"jobs_pkey"});

        std::vector<Settlement> settlements;
        for (std::size_t i = 0; i < claimed.size(); ++i) {
            settlements.push_back(
                decide(claimed[i], policy, ended(i < 90 ? RunEnd::succeeded : RunEnd::failed), 0.5));
        }
        CHECK(storage.settle(settlements, 5, std::vector{request.batch}).size() == 100);
        check_plan(log.news(), {"jobs_pkey"});

        CHECK(storage.promote(10) == 0);
        check_plan(log.news(), {"jobs_due"});
        CHECK(storage.expire(10) == 0);
        check_plan(log.news(), {"jobs_expiring"});
        static_cast<void>(storage.abandoned(10));
        check_plan(log.news(), {});
        CHECK(storage.find(claimed[0].token.job).has_value());
        check_plan(log.news(), {"jobs_pkey"});
        database.run_sql("ANALYZE jobs");
    }
}

} // namespace

TEST_CASE("postgres plans: index walks only, with dead rows below a held snapshot")
{
    const auto url = postgres_url();
    const char* const log_path = std::getenv("JOBRUNNER_TEST_PGLOG");
    if (!url || log_path == nullptr) {
        note_skipped("JOBRUNNER_TEST_PGLOG is not set; run below scripts/with_postgres");
        return;
    }
    PostgresDatabase database(*url);
    const auto owner = database.open();
    const KindPolicy policy = policy_of("email");
    owner->publish_kinds({&policy, 1}, "tests");
    owner->register_worker(
        {.id = 5, .name = "w", .host = "h", .version = "0", .labels = {}, .queues = {}, .kinds = {}});
    const auto dump = database.connect();
    pqxx::transaction<pqxx::isolation_level::repeatable_read> held(*dump);
    held.exec("SELECT count(*) FROM jobs");
    fill(database);

    const auto storage = open_storage(explained(database.options()));
    ServerLog log(log_path);
    check_plans(database, *storage, log);
}
