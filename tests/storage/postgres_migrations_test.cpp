#include "storage/postgres_database.hpp"
#include "storage/program_output.hpp"
#include "storage/storage_fixture.hpp"

#include "core/version.hpp"

#include <thread>

using namespace jobrunner;
using namespace jobrunner::tests;

namespace {

int known_migrations(PostgresDatabase& database)
{
    return static_cast<int>(open_migrator(database.options())->status().size());
}

std::string applied(PostgresDatabase& database)
{
    return database.row("SELECT count(*) FROM migrations");
}

ProgramEnd psql(const PostgresDatabase& database, const std::string& script)
{
    const TemporaryFile file(script);
    return run_program("psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --dbname '" + database.url() +
        "' --file '" + file.path() + "'");
}

// The catalog of a schema as DDL, with one name for every schema.
std::string catalog(const std::string& url, const std::string& schema)
{
    // \\restrict and \\unrestrict carry a random key.
    const auto dump = run_program("pg_dump --schema-only --no-owner --schema='" + schema + "' --dbname='" +
        url + "' | grep -v -e '^--' -e '^$' -e '^.restrict' -e '^.unrestrict'");
    REQUIRE(dump.exit_code == 0);
    std::string text = dump.output;
    // Every schema's settings are called jobrunner.wake and jobrunner.actor.
    for (const auto& name : {"\"" + schema + "\"", schema, std::string("jobrunner.")}) {
        const std::string_view plain = name.back() == '.' ? "it." : "it";
        for (auto at = text.find(name); at != std::string::npos; at = text.find(name, at + plain.size())) {
            text.replace(at, name.size(), plain);
        }
    }
    REQUIRE(text.find("CREATE TABLE it.jobs") != std::string::npos);
    return text;
}

std::string catalog(const PostgresDatabase& database)
{
    return catalog(database.url(), database.schema());
}

// A row for each table that may hold some before the last migration is applied.
void insert_rows(PostgresDatabase& database)
{
    const std::vector<std::pair<std::string, std::string>> rows{
        {"jobs", "INSERT INTO jobs (kind, args) SELECT 'email', '{\"n\": 1.50}' FROM generate_series(1, 10)"},
        {"jobs",
            "INSERT INTO jobs (kind, state, worker, fence, attempt) VALUES ('email', 'running', 7, 1, 1)"},
        {"claims", "INSERT INTO claims (worker, batch, jobs) VALUES (7, 1, '{1,2}')"},
        {"attempt_log",
            "INSERT INTO attempt_log (job_id, fence, attempt, outcome) VALUES (1, 1, 1, 'failed')"},
        {"history",
            "INSERT INTO history (id, run_at, created_at, finished_at, fence, attempt, cost, keep_until, "
            "state,"
            " snoozes, priority, crashes, give_backs, kind, queue, args, requires, on_dependency_failure, "
            "tags, meta)"
            " SELECT 900, now(), now(), now(), 1, 1, 1, day, 'completed', 0, 0, 0, 0, 'email', 'default', "
            "'{}',"
            " '{}', 'cancel', '{}', '{}' FROM unnest(ARRAY[date '2030-01-01', date 'infinity']) AS day"},
        {"dead_jobs", "INSERT INTO dead_jobs SELECT h.* FROM (SELECT * FROM history LIMIT 1) h"},
        {"workers",
            "INSERT INTO workers (id, lease_until, lease, pid, slots, name, host, version)"
            " VALUES (7, now(), interval '30 s', 1, 1, 'w', 'h', '0.1.0')"},
        {"kinds", "INSERT INTO kinds (kind, max_attempts, retry_delays) VALUES ('email', 3, '{1 s}')"},
        {"queues", "INSERT INTO queues (queue, paused_at) VALUES ('default', now())"},
        {"statistics_log",
            "INSERT INTO statistics_log (minute, queue, kind) VALUES (now(), 'default', 'email')"},
        {"operator_audit", "INSERT INTO operator_audit (actor, action) VALUES ('a', 'b')"},
    };
    for (const auto& [table, sql] : rows) {
        if (!database.row("SELECT to_regclass('" + table + "')").empty()) {
            const std::string refusal = database.refusal(table == "dead_jobs"
                    ? "INSERT INTO dead_jobs SELECT (jsonb_populate_record("
                      "NULL::dead_jobs, to_jsonb(h) || '{\"state\": \"dead\"}')).* "
                      "FROM (SELECT * FROM history LIMIT 1) h"
                    : sql);
            CHECK_MESSAGE(refusal.empty(), refusal);
        }
    }
}

} // namespace

TEST_CASE("postgres migrations: from nothing to the end, once")
{
    const auto url = postgres_url();
    if (!url) {
        return;
    }
    PostgresDatabase database(*url, false);
    const auto migrator = open_migrator(database.options());

    const auto before = migrator->status();
    REQUIRE_FALSE(before.empty());
    CHECK_FALSE(before[0].applied_at.has_value());
    const auto done = migrator->migrate(std::nullopt);
    CHECK(done.size() == before.size());
    CHECK(done[0].number == 1);
    CHECK(migrator->migrate(std::nullopt).empty());
    for (const auto& one : migrator->status()) {
        CHECK(one.applied_at.has_value());
    }
    CHECK_NOTHROW(static_cast<void>(database.open()));
}

TEST_CASE("postgres migrations: up to a number and no further")
{
    const auto url = postgres_url();
    if (!url) {
        return;
    }
    PostgresDatabase database(*url, false);
    const auto migrator = open_migrator(database.options());

    CHECK(migrator->migrate(0).empty());
    CHECK(migrator->migrate(3).size() == 3);
    CHECK(applied(database) == "3");
    CHECK(migrator->migrate(2).empty());
    const auto status = migrator->status();
    CHECK(status.at(2).applied_at.has_value());
    CHECK_FALSE(status.at(3).applied_at.has_value());

    static_cast<void>(migrator->migrate(std::nullopt));
    CHECK(applied(database) == std::to_string(known_migrations(database)));
}

TEST_CASE("postgres migrations: twenty at once apply each one once")
{
    const auto url = postgres_url();
    if (!url) {
        return;
    }
    PostgresDatabase database(*url, false);
    std::vector<std::size_t> counts(20);
    std::vector<std::string> failures(20);

    {
        std::vector<std::jthread> threads;
        for (std::size_t i = 0; i < counts.size(); ++i) {
            threads.emplace_back([&, i] {
                try {
                    counts[i] = open_migrator(database.options())->migrate(std::nullopt).size();
                } catch (const std::exception& failure) {
                    failures[i] = failure.what();
                }
            });
        }
    }

    std::size_t all = 0;
    for (std::size_t i = 0; i < counts.size(); ++i) {
        CHECK_MESSAGE(failures[i].empty(), failures[i]);
        all += counts[i];
    }
    CHECK(all == static_cast<std::size_t>(known_migrations(database)));
    CHECK(applied(database) == std::to_string(all));
}

TEST_CASE("postgres migrations: the printed SQL, run by psql, makes the same schema")
{
    const auto url = postgres_url();
    if (!url) {
        return;
    }
    PostgresDatabase migrated(*url);
    PostgresDatabase by_hand(*url, false);

    SUBCASE("all of it")
    {
        const auto end = psql(by_hand, open_migrator(by_hand.options())->pending_sql(std::nullopt));
        CHECK_MESSAGE(end.exit_code == 0, end.output);
    }
    SUBCASE("in two parts")
    {
        const auto first = psql(by_hand, open_migrator(by_hand.options())->pending_sql(2));
        CHECK_MESSAGE(first.exit_code == 0, first.output);
        CHECK(applied(by_hand) == "2");
        const auto second = psql(by_hand, open_migrator(by_hand.options())->pending_sql(std::nullopt));
        CHECK_MESSAGE(second.exit_code == 0, second.output);
    }

    CHECK(first_difference(catalog(by_hand), catalog(migrated)) == "");
    CHECK(open_migrator(by_hand.options())->migrate(std::nullopt).empty());
    CHECK_NOTHROW(static_cast<void>(by_hand.open()));
}

TEST_CASE("postgres migrations: schema/postgres.sql makes the same schema")
{
    const auto url = postgres_url();
    if (!url) {
        return;
    }
    PostgresDatabase migrated(*url);
    // In a database of its own: the file names its schema itself.
    const std::string name = fresh_name("by_hand");
    const std::string by_hand = url->substr(0, url->rfind('/') + 1) + name;
    migrated.run_sql("CREATE DATABASE " + name);

    const auto end =
        run_program("psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --single-transaction --dbname '" +
            by_hand + "' --file '" + source_folder() + "/schema/postgres.sql'");

    CHECK_MESSAGE(end.exit_code == 0, end.output);
    CHECK(first_difference(catalog(by_hand, "jobrunner"), catalog(migrated)) == "");
    DatabaseOptions options;
    options.url = by_hand;
    CHECK(open_migrator(options)->migrate(std::nullopt).empty());
    CHECK_NOTHROW(static_cast<void>(open_storage(options)));
    migrated.run_sql("DROP DATABASE " + name + " WITH (FORCE)");
}

TEST_CASE("postgres migrations: each one is applied to a database that is in use")
{
    const auto url = postgres_url();
    if (!url) {
        return;
    }
    PostgresDatabase any(*url, false);
    const int all = known_migrations(any);
    for (int number = 2; number <= all; ++number) {
        CAPTURE(number);
        PostgresDatabase database(*url, false);
        const auto migrator = open_migrator(database.options());
        static_cast<void>(migrator->migrate(number - 1));
        insert_rows(database);
        const auto jobs = database.rows("SELECT id, kind, args, state FROM jobs ORDER BY id");

        CHECK_NOTHROW(static_cast<void>(migrator->migrate(number)));

        CHECK(database.rows("SELECT id, kind, args, state FROM jobs ORDER BY id") == jobs);
        CHECK_NOTHROW(static_cast<void>(migrator->migrate(std::nullopt)));
        CHECK(database.open()->list({}).size() >= jobs.size());
    }
}

TEST_CASE("postgres migrations: a database without a schema is refused in words")
{
    const auto url = postgres_url();
    if (!url) {
        return;
    }
    PostgresDatabase database(*url, false);

    const Error error = StorageFixture::error_of([&] { static_cast<void>(database.open()); });

    CHECK(error.kind() == ErrorKind::outdated);
    CHECK(std::string(error.what()).find("jobrunner migrate") != std::string::npos);
}

TEST_CASE("postgres migrations: a binary that is too old is refused, and both versions named")
{
    const auto url = postgres_url();
    if (!url) {
        return;
    }
    PostgresDatabase database(*url);
    database.run_sql("INSERT INTO migrations (number, name, applied_by, oldest_binary)"
                     " VALUES (9000, 'future', 'tests', '99.1.0')");

    for (const auto& step : {std::function<void()>([&] { static_cast<void>(database.open()); }),
             std::function<void()>([&] { open_migrator(database.options())->migrate(std::nullopt); })}) {
        const Error error = StorageFixture::error_of(step);
        CHECK(error.kind() == ErrorKind::outdated);
        CHECK(std::string(error.what()).find("99.1.0") != std::string::npos);
        CHECK(std::string(error.what()).find(version()) != std::string::npos);
    }
}

TEST_CASE("postgres migrations: a later schema that still takes this binary is used as it is")
{
    const auto url = postgres_url();
    if (!url) {
        return;
    }
    PostgresDatabase database(*url);
    database.run_sql("INSERT INTO migrations (number, name, applied_by, oldest_binary)"
                     " VALUES (9000, 'future', 'tests', '0.0.1')");

    CHECK_NOTHROW(static_cast<void>(database.open()));
    const auto migrator = open_migrator(database.options());
    CHECK(migrator->migrate(std::nullopt).empty());
    CHECK(migrator->status().back().name == "future");
}

TEST_CASE("postgres migrations: schemas of other names work beside each other")
{
    const auto url = postgres_url();
    if (!url) {
        return;
    }
    PostgresDatabase database(*url);
    DatabaseOptions options = database.options();
    options.schema = "My-Jobs_" + database.schema();

    open_migrator(options)->migrate(std::nullopt);
    const auto storage = open_storage(options);
    const NewJob job{.kind = "email"};
    const JobId id = storage->enqueue({&job, 1}, OnConflict::skip).at(0).id;

    CHECK(storage->find(id).has_value());
    CHECK(storage->act({.action = JobAction::cancel, .actor = "t"}, {&id, 1}).at(0).result ==
        ActionResult::done);
    CHECK_NOTHROW(storage->resume_queue("default", "t"));
    CHECK_NOTHROW(storage->tidy(std::vector<Milliseconds>{24h}));
    CHECK(database.open()->list({}).empty());
    storage->tidy({});
    database.run_sql("DROP SCHEMA \"" + options.schema + "\" CASCADE");
}

TEST_CASE("postgres migrations: a schema's name that would not be safe everywhere is refused")
{
    const auto url = postgres_url();
    if (!url) {
        return;
    }
    for (const auto& name : {std::string("a'b"), std::string("a\"b"), std::string("a%b"), std::string("a b"),
             std::string(), std::string(49, 'a')}) {
        CAPTURE(name);
        DatabaseOptions options;
        options.url = *url;
        options.schema = name;
        CHECK(StorageFixture::error_of([&] { static_cast<void>(open_migrator(options)); }).kind() ==
            ErrorKind::usage);
    }
}
