// What applications do with an SQLite file in SQL alone.

#include "storage/sqlite_file.hpp"

#include "core/error.hpp"

#include <doctest/doctest.h>

using namespace jobrunner;
using namespace jobrunner::tests;

namespace {

class Verbs {
public:
    Verbs()
    {
        file_.migrate();
        sql("INSERT INTO kinds (kind, max_attempts, retry_delays) VALUES ('email', 2, '[60000]')");
    }

    std::string sql(const std::string& text) { return file_.sql(text); }

    // What SQLite says against it; empty if nothing.
    std::string refusal(const std::string& text)
    {
        try {
            sql(text);
        } catch (const Error& error) {
            return error.what();
        }
        return {};
    }

    // A running job, as if worker 7 had claimed it; its token.
    std::string running_token()
    {
        return sql("INSERT INTO jobs (kind, state, worker, fence, attempt, claimed_at, attempt_limit, "
                   "retry_delay) VALUES "
                   "('email', 'running', 7, 1, 1, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), 2, 60) "
                   "RETURNING id || '.1.7'");
    }

private:
    SqliteFile file_;
};

} // namespace

TEST_CASE_FIXTURE(Verbs, "sqlite: plain inserts, of several rows and on conflict, are full citizens")
{
    sql("INSERT INTO jobs (kind) VALUES ('email'), ('email'), ('report')");
    sql("INSERT INTO jobs (kind, args, unique_key) VALUES ('email', '{\"n\":1}', 'k')");
    sql("INSERT INTO jobs (kind, args, unique_key) VALUES ('email', '{\"n\":2}', 'k') "
        "ON CONFLICT (unique_key) DO UPDATE SET args = excluded.args");
    sql("INSERT INTO jobs (kind, unique_key) VALUES ('email', 'k') ON CONFLICT (unique_key) DO NOTHING");

    CHECK(sql("SELECT count(*) FROM jobs") == "4");
    CHECK(sql("SELECT args FROM jobs WHERE unique_key = 'k'") == R"({"n":2})");
    CHECK(refusal("INSERT INTO jobs (kind, unique_key) VALUES ('email', 'k')") ==
        "UNIQUE constraint failed: jobs.unique_key");
}

TEST_CASE_FIXTURE(Verbs, "sqlite: bad values are refused by constraints that say what was expected")
{
    const auto refused = [&](const std::string& columns, const std::string& values,
                             const std::string& constraint) {
        CAPTURE(columns);
        CHECK(refusal("INSERT INTO jobs (kind, " + columns + ") VALUES ('email', " + values + ")") ==
            "CHECK constraint failed: " + constraint);
    };

    refused("args", "'[]'", "jobs_args_is_an_object");
    refused("args", "'{'", "jobs_args_is_an_object");
    refused("args", "'{\"a\":\"' || hex(zeroblob(600000)) || '\"}'", "jobs_args_is_at_most_1_mib");
    refused("tags", "'a'", "jobs_tags_is_an_array");
    refused("run_at", "datetime('now')", "jobs_run_at_is_like_2026-01-31T09:00:00.000Z");
    refused("run_at", "'2026-13-01T00:00:00.000Z'", "jobs_run_at_is_like_2026-01-31T09:00:00.000Z");
    refused("run_at", "'infinity'", "jobs_run_at_is_finite");
    refused("queue", "'a' || char(7)", "jobs_queue_is_1_to_128_printable_characters");
    refused("queue", "'a' || char(0) || 'b'", "jobs_queue_is_1_to_128_printable_characters");
    refused("timeout", "0", "jobs_timeout_is_over_0_and_at_most_30_days");
    CHECK(refusal("INSERT INTO jobs (kind, depends_on) VALUES ('email', '[1]')") ==
        "depends_on has an id that is no earlier job's");
    CHECK(refusal("INSERT INTO jobs (kind, batch_id) VALUES ('email', 1)") ==
        "batch_id is of no batch that takes members: it has finished, or never was");
    CHECK(refusal("INSERT INTO jobs (kind) VALUES (NULL)") == "NOT NULL constraint failed: jobs.kind");
    CHECK(refusal("INSERT INTO jobs (kind, queue) VALUES ('é', '日本 🐘')").empty());
}

TEST_CASE_FIXTURE(
    Verbs, "sqlite: enqueue adds, skips, replaces and merges, and keeps numbers as they are written")
{
    sql("INSERT INTO enqueue (kind, args, unique_key, run_at) VALUES "
        "('email', '{\"a\":1.10,\"b\":{\"x\":1}}', 'k', datetime('now', '+1 hour'))");
    CHECK(sql("SELECT state FROM all_jobs") == "scheduled");

    sql("INSERT INTO enqueue (kind, args, unique_key, on_conflict) VALUES ('email', '{\"c\":1}', 'k', "
        "'skip')");
    CHECK(sql("SELECT args FROM jobs") == R"({"a":1.10,"b":{"x":1}})");
    sql("INSERT INTO enqueue (kind, args, unique_key, on_conflict) VALUES "
        "('email', '{\"b\":{\"y\":123456789012345678901},\"q\\\"\":null}', 'k', 'merge')");
    CHECK(sql("SELECT args FROM jobs") == R"({"a":1.10,"b":{"y":123456789012345678901},"q\"":null})");
    sql("INSERT INTO enqueue (kind, args, unique_key, on_conflict) VALUES ('email', '{\"z\":0}', 'k', "
        "'replace')");
    CHECK(sql("SELECT args FROM jobs") == R"({"z":0})");
    CHECK(sql("SELECT state FROM all_jobs") == "available");

    CHECK(refusal("INSERT INTO enqueue (kind, unique_key) VALUES ('email', 'k')").find("UNIQUE") == 0);
    CHECK(refusal("INSERT INTO enqueue (kind, on_conflict) VALUES ('email', 'no')").find("on_conflict") == 0);
    CHECK(sql("SELECT count(*) FROM jobs") == "1");
}

TEST_CASE_FIXTURE(Verbs, "sqlite: enqueue_many adds an array of jobs in its order or none")
{
    sql("INSERT INTO enqueue_many (jobs) VALUES "
        "('[{\"kind\":\"email\",\"args\":{\"n\":1},\"tags\":[\"a\"]},{\"kind\":\"report\",\"priority\":3}]'"
        ")");

    CHECK(sql("SELECT group_concat(kind || priority || tags) FROM (SELECT * FROM jobs ORDER BY id)") ==
        R"(email0["a"],report3[])");
    CHECK_FALSE(
        refusal("INSERT INTO enqueue_many (jobs) VALUES ('[{\"kind\":\"email\"},{\"kind\":\"\"}]')").empty());
    CHECK_FALSE(
        refusal("INSERT INTO enqueue_many (jobs) VALUES ('[{\"kind\":\"email\",\"state\":\"dead\"}]')")
            .empty());
    CHECK_FALSE(refusal("INSERT INTO enqueue_many (jobs) VALUES ('{}')").empty());
    CHECK(sql("SELECT count(*) FROM jobs") == "2");
}

TEST_CASE_FIXTURE(
    Verbs, "sqlite: complete commits with the application's own writes, and fails for a stale token")
{
    const std::string token = running_token();
    sql("CREATE TABLE paid (amount INTEGER)");

    sql("BEGIN; INSERT INTO paid VALUES (5); INSERT INTO complete (token, result) VALUES ('" + token +
        "', '{\"ok\":1}'); COMMIT");
    CHECK(sql("SELECT state || result FROM all_jobs") == R"(completed{"ok":1})");
    CHECK(sql("SELECT sum(completed) FROM statistics") == "1");

    const std::string again = refusal(
        "BEGIN; INSERT INTO paid VALUES (7); INSERT INTO complete (token) VALUES ('" + token + "'); COMMIT");
    CHECK(again.find("no longer held") != std::string::npos);
    CHECK(refusal("COMMIT").find("no transaction is active") != std::string::npos);
    CHECK(sql("SELECT sum(amount) FROM paid") == "5");
    for (const auto* bad : {"", "1", "1.1", "x.1.7", "1.1.7 ", "1.1.7.1", "01.1.7", "1;1;7"}) {
        CAPTURE(std::string(bad));
        CHECK_FALSE(refusal("INSERT INTO complete (token) VALUES ('" + std::string(bad) + "')").empty());
    }
}

TEST_CASE_FIXTURE(Verbs, "sqlite: fail puts a job back with its delay, and out of attempts it is dead")
{
    const std::string first = running_token();
    sql("INSERT INTO fail (token, error, class) VALUES ('" + first + "', 'boom', 'E')");
    CHECK(sql("SELECT state FROM all_jobs") == "retryable");
    CHECK(sql("SELECT round((julianday(run_at) - julianday('now')) * 86400) BETWEEN 58 AND 61 FROM jobs") ==
        "1");
    CHECK(sql("SELECT outcome || error_class || error FROM attempts") == "failedEboom");

    sql("UPDATE jobs SET state = 'running', worker = 8, fence = 2, attempt = 2");
    const std::string second = sql("SELECT id || '.2.8' FROM jobs");
    sql("INSERT INTO fail (token, error) VALUES ('" + second + "', 'bang')");
    CHECK(sql("SELECT state || error FROM all_jobs") == "deadbang");
    CHECK(sql("SELECT group_concat(error) FROM attempts") == "boom,bang");
    CHECK_FALSE(refusal("INSERT INTO fail (token, error) VALUES ('" + second + "', 'x')").empty());
}

TEST_CASE_FIXTURE(
    Verbs, "sqlite: operators cancel, retry, reschedule, delete and pause by inserting into views")
{
    sql("INSERT INTO jobs (kind) VALUES ('email')");

    sql("INSERT INTO reschedule (id, run_at) VALUES (1, datetime('now', '+2 hours'))");
    CHECK(sql("SELECT state FROM all_jobs") == "scheduled");
    sql("INSERT INTO cancel (id, actor) VALUES (1, 'ann')");
    CHECK(sql("SELECT state || reason FROM all_jobs") == "cancelledcancelled by ann");
    CHECK(refusal("INSERT INTO cancel (id) VALUES (1)").find("not possible") != std::string::npos);
    sql("INSERT INTO retry (id) VALUES (1)");
    CHECK(sql("SELECT state FROM all_jobs") == "available");
    sql("INSERT INTO delete_job (id) VALUES (1)");
    CHECK(refusal("INSERT INTO retry (id) VALUES (1)") == "the job is not found");
    sql("INSERT INTO pause_queue (name) VALUES ('mail')");
    CHECK(sql("SELECT paused FROM queue_stats WHERE queue = 'mail'") == "1");
    sql("INSERT INTO resume_queue (name) VALUES ('mail')");
    CHECK(sql("SELECT paused FROM queue_stats WHERE queue = 'mail'") == "0");

    CHECK(sql("SELECT group_concat(action) FROM (SELECT action FROM operator_audit ORDER BY id)") ==
        "reschedule,cancel,retry,delete,pause,resume");
}

TEST_CASE_FIXTURE(Verbs, "sqlite: a running job is asked to stop, and cannot be retried or deleted")
{
    running_token();

    sql("INSERT INTO cancel (id) VALUES (1)");

    CHECK(sql("SELECT state FROM all_jobs") == "running");
    CHECK(sql("SELECT worker FROM cancel_requests") == "7");
    CHECK(refusal("INSERT INTO retry (id) VALUES (1)").find("not possible") != std::string::npos);
    CHECK(refusal("INSERT INTO delete_job (id) VALUES (1)").find("not possible") != std::string::npos);
}

TEST_CASE_FIXTURE(Verbs, "sqlite: a finished job takes what only unfinished jobs have with it")
{
    sql("INSERT INTO jobs (kind) VALUES ('email')");
    sql("INSERT INTO attempt_log (job_id, fence, attempt, outcome) VALUES (1, 1, 1, 'failed')");
    sql("INSERT INTO output_chunks (job_id, fence, sequence, stream, body) VALUES (1, 1, 1, 'out', 'x')");
    sql("INSERT INTO progress (job_id, fence, percent) VALUES (1, 1, 5)");

    sql("INSERT INTO cancel (id) VALUES (1)");

    CHECK(sql("SELECT (SELECT count(*) FROM attempt_log) + (SELECT count(*) FROM output_chunks) + "
              "(SELECT count(*) FROM progress)") == "0");
    CHECK(sql("SELECT outcome FROM attempts") == "failed");
}
