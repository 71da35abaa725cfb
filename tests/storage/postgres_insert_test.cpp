// The enqueue interface as applications have it: plain SQL, in a role of their own.
#include "storage/postgres_database.hpp"
#include "storage/postgres_roles.hpp"
#include "storage/storage_fixture.hpp"

#include <set>

using namespace jobrunner;
using namespace jobrunner::tests;

namespace {

struct Refused {
    const char* column;
    const char* value;
    const char* constraint;
};

constexpr Refused refused[] = {
    {"kind", "''", "jobs_kind_is_1_to_128_printable_characters"},
    {"kind", "repeat('k', 129)", "jobs_kind_is_1_to_128_printable_characters"},
    {"kind", "E'a\\tb'", "jobs_kind_is_1_to_128_printable_characters"},
    {"queue", "''", "jobs_queue_is_1_to_128_printable_characters"},
    {"queue", "repeat('q', 129)", "jobs_queue_is_1_to_128_printable_characters"},
    {"queue", "E'a\\nb'", "jobs_queue_is_1_to_128_printable_characters"},
    {"args", "'[]'", "jobs_args_is_an_object"},
    {"args", "'null'", "jobs_args_is_an_object"},
    {"args", "(SELECT jsonb_object_agg(g, md5(g::text)) FROM generate_series(1, 30000) g)",
        "jobs_args_is_at_most_1_mib"},
    {"meta", "'3'", "jobs_meta_is_an_object_of_at_most_64_kib"},
    {"meta", "(SELECT jsonb_object_agg(g, md5(g::text)) FROM generate_series(1, 3000) g)",
        "jobs_meta_is_an_object_of_at_most_64_kib"},
    {"run_at", "'infinity'", "jobs_run_at_is_finite"},
    {"run_at", "'-infinity'", "jobs_run_at_is_finite"},
    {"expires_at", "'infinity'", "jobs_expires_at_is_finite"},
    {"max_attempts", "0", "jobs_max_attempts_is_1_to_10000"},
    {"max_attempts", "10001", "jobs_max_attempts_is_1_to_10000"},
    {"timeout", "'0'", "jobs_timeout_is_over_0_and_at_most_30_days"},
    {"timeout", "'31 days'", "jobs_timeout_is_over_0_and_at_most_30_days"},
    {"cost", "0", "jobs_cost_is_1_to_1000000"},
    {"cost", "1000001", "jobs_cost_is_1_to_1000000"},
    {"unique_key", "''", "jobs_unique_key_is_1_to_1024_bytes"},
    {"unique_key", "repeat('ü', 513)", "jobs_unique_key_is_1_to_1024_bytes"},
    {"concurrency_key", "repeat('c', 513)", "jobs_concurrency_key_is_1_to_512_bytes"},
    {"serial_key", "repeat('s', 513)", "jobs_serial_key_is_1_to_512_bytes"},
    {"fair_key", "''", "jobs_fair_key_is_1_to_512_bytes"},
    {"affinity_key", "''", "jobs_affinity_key_is_1_to_512_bytes"},
    {"requires", "(SELECT array_agg(md5(g::text)) FROM generate_series(1, 1000) g)",
        "jobs_requires_is_at_most_4_kib"},
    {"tags", "(SELECT array_agg(md5(g::text)) FROM generate_series(1, 1000) g)",
        "jobs_tags_is_at_most_4_kib"},
    {"depends_on", "'{}'", "jobs_depends_on_is_at_most_10000_ids"},
    {"on_dependency_failure", "'explode'", "jobs_on_dependency_failure_is_cancel_run_or_block"},
    {"traceparent", "repeat('t', 129)", "jobs_traceparent_is_at_most_128_bytes"},
};

// A database whose own connection acts as an enqueuing application.
template <typename Body>
void as_enqueuer(Body body)
{
    const auto url = postgres_url();
    if (!url) {
        return;
    }
    PostgresDatabase database(*url);
    const PostgresRoles roles(database);
    database.run_sql("SET ROLE " + roles.names().enqueuer);
    body(database);
    database.run_sql("RESET ROLE");
}

} // namespace

TEST_CASE("postgres insert: a plain INSERT has every default")
{
    as_enqueuer([](PostgresDatabase& db) {
        const std::string id = db.row("INSERT INTO jobs (kind) VALUES ('email') RETURNING id");
        CHECK_FALSE(id.empty());
        db.run_sql("RESET ROLE");
        CHECK(db.row("SELECT state, queue, args, priority, attempt, fence, run_at <= ready_at, position > 0 "
                     "FROM jobs") == "available|default|{}|0|0|0|t|t");
        CHECK(db.row("SELECT id, state FROM all_jobs") == id + "|available");
    });
}

TEST_CASE("postgres insert: several rows, and COPY, have places of their own in the claim order")
{
    as_enqueuer([](PostgresDatabase& db) {
        const auto ids =
            db.rows("INSERT INTO jobs (kind, args) VALUES ('email', '{\"n\": 1}'), ('email', '{\"n\": 2}'),"
                    " ('report', '{}') RETURNING id");
        CHECK(std::set(ids.begin(), ids.end()).size() == 3);

        const TemporaryCopy copy(db.schema(), "(kind, args, queue)",
            "email\t{\"n\": 12345678901234567890.5}\tmail\n"
            "report\t{}\tdefault\n");
        copy.run(db.url(), db.row("SELECT current_user"));
        db.run_sql("RESET ROLE");
        CHECK(db.row("SELECT count(*), count(DISTINCT position), count(DISTINCT id) FROM jobs") == "5|5|5");
        CHECK(db.row("SELECT args ->> 'n' FROM jobs WHERE queue = 'mail'") == "12345678901234567890.5");
        CHECK(db.row("SELECT bool_and(state = 'available' AND run_at <= ready_at) FROM jobs") == "t");
    });
}

TEST_CASE("postgres insert: a rollback leaves nothing")
{
    as_enqueuer([](PostgresDatabase& db) {
        db.run_sql("BEGIN; INSERT INTO jobs (kind) VALUES ('email'); ROLLBACK");
        db.run_sql("RESET ROLE");
        CHECK(db.row("SELECT count(*) FROM jobs") == "0");
    });
}

TEST_CASE("postgres insert: ON CONFLICT skips by plain SQL, and replaces through enqueue()")
{
    as_enqueuer([](PostgresDatabase& db) {
        const std::string insert = "INSERT INTO jobs (kind, unique_key) VALUES ('email', 'k') ";
        const std::string id = db.row(insert + "RETURNING id");
        CHECK(db.rows(insert + "ON CONFLICT (unique_key) DO NOTHING RETURNING id").empty());
        CHECK(db.refusal(insert).find("jobs_unique_key") != std::string::npos);
        CHECK(db.refusal(insert + "ON CONFLICT (unique_key) DO UPDATE SET args = excluded.args")
                  .find("permission denied") != std::string::npos);

        CHECK(db.row("SELECT enqueue('email', '{\"a\": 1}', unique_key => 'k', on_conflict => 'replace')") ==
            id);
        CHECK(
            db.row("SELECT enqueue('email', '{\"b\": 1}', unique_key => 'k', on_conflict => 'merge')") == id);
        CHECK(db.row("SELECT enqueue('email', unique_key => 'k', on_conflict => 'skip')") == id);
        CHECK(db.refusal("SELECT enqueue('email', unique_key => 'k')").find("jobs_unique_key") !=
            std::string::npos);
        db.run_sql("RESET ROLE");
        CHECK(db.row("SELECT args FROM jobs") == "{\"a\": 1, \"b\": 1}");
    });
}

TEST_CASE("postgres insert: enqueue() takes every column and answers with the id")
{
    as_enqueuer([](PostgresDatabase& db) {
        const std::string id = db.row(
            "SELECT enqueue('email', args => '{\"n\": 1.50}', queue => 'mail', priority => -3,"
            " run_at => '2031-01-01 00:00:00Z', max_attempts => 4, timeout => '90 s',"
            " expires_at => '2032-01-01 00:00:00Z', unique_key => 'u', concurrency_key => 'c', cost => 2,"
            " fair_key => 'f', requires => '{gpu}', affinity_key => 'a', on_dependency_failure => 'run',"
            " tags => '{x,y}', meta => '{\"m\": null}', traceparent => 't')");
        CHECK(
            db.row("SELECT count(*) FROM enqueue_many('[{\"kind\": \"email\"}, {\"kind\": \"report\"}]')") ==
            "2");
        CHECK(db.refusal("SELECT enqueue_many('[{\"kind\": \"email\", \"fence\": 3}]')").find("fence") !=
            std::string::npos);
        CHECK(db.refusal("SELECT enqueue_many('{}')").find("array") != std::string::npos);
        CHECK(db.refusal("SELECT enqueue_many('[3]')").find("object") != std::string::npos);
        CHECK(db.refusal("SELECT enqueue_many('[]', 'sometimes')").find("sometimes") != std::string::npos);
        db.run_sql("RESET ROLE");
        CHECK(db.row("SELECT kind, args, queue, priority, max_attempts, timeout, unique_key, "
                     "concurrency_key, cost,"
                     " fair_key, requires, affinity_key, on_dependency_failure, tags, meta, traceparent"
                     " FROM jobs WHERE id = " +
                  id) == "email|{\"n\": 1.50}|mail|-3|4|00:01:30|u|c|2|f|{gpu}|a|run|{x,y}|{\"m\": null}|t");
    });
}

TEST_CASE("postgres insert: the runner's columns are not the application's")
{
    as_enqueuer([](PostgresDatabase& db) {
        for (const auto* column : {"id", "position", "ready_at", "created_at", "started_at", "claimed_at",
                 "worker", "fence", "attempt", "attempt_limit", "state", "snoozes", "crashes", "give_backs",
                 "rerun", "retry_delay", "reason", "schedule", "held_in"}) {
            CAPTURE(std::string(column));
            CHECK(db.refusal("INSERT INTO jobs (kind, " + std::string(column) + ") VALUES ('email', DEFAULT)")
                      .find("permission denied") != std::string::npos);
        }
        CHECK(db.refusal("UPDATE jobs SET queue = 'x'").find("permission denied") != std::string::npos);
        CHECK(db.refusal("DELETE FROM jobs").find("permission denied") != std::string::npos);
        CHECK(db.refusal("SELECT args FROM jobs").find("permission denied") != std::string::npos);
        CHECK(db.refusal("SELECT id, unique_key FROM jobs").empty());
    });
}

TEST_CASE("postgres insert: every constraint refuses by a name that says what was expected")
{
    as_enqueuer([](PostgresDatabase& db) {
        std::set<std::string> seen;
        for (const auto& one : refused) {
            CAPTURE(std::string(one.column) + " = " + one.value);
            const bool kind = std::string_view(one.column) == "kind";
            const std::string refusal = db.refusal(std::string("INSERT INTO jobs (") + one.column +
                (kind ? "" : ", kind") + ") VALUES (" + one.value + (kind ? "" : ", 'email'") + ")");
            CHECK_MESSAGE(
                refusal.find("\"" + std::string(one.constraint) + "\"") != std::string::npos, refusal);
            seen.insert(one.constraint);
        }
        db.run_sql("RESET ROLE");
        CHECK(db.row("SELECT count(*) FROM jobs") == "0");
        // I2, which no application can break.
        CHECK(db.refusal("INSERT INTO jobs (kind, state) VALUES ('email', 'running')")
                  .find("jobs_running_has_a_worker") != std::string::npos);
        seen.insert("jobs_running_has_a_worker");
        CHECK(db.refusal("INSERT INTO jobs (kind, held_in) VALUES ('email', '1:')")
                  .find("jobs_held_in_a_line_is_blocked") != std::string::npos);
        seen.insert("jobs_held_in_a_line_is_blocked");
        for (const auto& name : db.rows(
                 "SELECT conname FROM pg_constraint WHERE conrelid = 'jobs'::regclass AND contype = 'c'")) {
            CHECK_MESSAGE(seen.contains(name), "no value here breaks " << name);
        }
    });
}

TEST_CASE("postgres insert: nothing takes COPY's fast path away")
{
    as_enqueuer([](PostgresDatabase& db) {
        db.run_sql("RESET ROLE");
        // Bits 0 and 1 of tgtype: FOR EACH ROW and BEFORE.
        CHECK(db.rows("SELECT tgname FROM pg_trigger WHERE tgrelid = 'jobs'::regclass AND tgtype & 3 = 3")
                  .empty());
        CHECK(db.rows("SELECT conname FROM pg_constraint WHERE conrelid = 'jobs'::regclass AND contype = 'f'")
                  .empty());
        for (const auto& value :
            db.rows("SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef WHERE adrelid = 'jobs'::regclass")) {
            const bool volatile_call = value.find("random") != std::string::npos ||
                value.find("clock_timestamp") != std::string::npos || value.find("gen_") != std::string::npos;
            CHECK_MESSAGE(!volatile_call, value);
        }
    });
}
