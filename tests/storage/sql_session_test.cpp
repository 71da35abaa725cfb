// SQL kinds: the statement, what it did and the completion are one transaction, or nothing is.
#include "storage/sql_session.hpp"

#include "storage/storage_fixture.hpp"

using namespace jobrunner;
using namespace jobrunner::tests;

namespace {

bool is_postgres(const StorageFixture& db)
{
    return db.backend->options().url.starts_with("postgres");
}

// A table for effects. Sessions have no schema of ours in their search path.
std::string make_table(StorageFixture& db)
{
    // The fixture's database may be one that an earlier case has used.
    db.backend->run_sql("DROP TABLE IF EXISTS effects");
    db.backend->run_sql("CREATE TABLE effects (job_id bigint PRIMARY KEY, note text)");
    return is_postgres(db) ? "\"" + db.backend->options().schema + "\".effects" : "effects";
}

SqlAttempt attempt_of(const ClaimedJob& job, const std::string& statement)
{
    return {.jobs = {{job.token, job.args}},
        .is_chunk = false,
        .statement = statement,
        .role = {},
        .timeout = {}};
}

// Notes each job of the chunk, and divides by what its args say.
SqlAttempt chunk_of(StorageFixture& db, const std::vector<ClaimedJob>& jobs, const std::string& table)
{
    SqlAttempt attempt{.jobs = {},
        .is_chunk = true,
        .statement = is_postgres(db) ? "INSERT INTO " + table +
                " SELECT i.id, 100 / (a.args ->> 'by')::int FROM unnest($2) WITH ORDINALITY i (id, n) "
                "JOIN jsonb_array_elements($1) WITH ORDINALITY a (args, n) USING (n) RETURNING note, job_id"
                                     : "INSERT INTO " + table +
                " SELECT i.value, json_extract(CASE a.value ->> 'by' WHEN 0 THEN '{' ELSE '100' END, '$') / "
                "(a.value ->> 'by') "
                "FROM json_each($2) i JOIN json_each($1) a ON a.key = i.key RETURNING note, job_id",
        .role = {},
        .timeout = {}};
    for (const auto& job : jobs) {
        attempt.jobs.push_back({job.token, job.args});
    }
    return attempt;
}

std::vector<ClaimedJob> claim_divisions(StorageFixture& db, std::initializer_list<int> divisors)
{
    std::vector<ClaimedJob> jobs;
    for (const int by : divisors) {
        NewJob job{.kind = "email"};
        job.args = "{\"by\": " + std::to_string(by) + "}";
        db.enqueue(job);
        jobs.push_back(db.claim_one(alice));
    }
    return jobs;
}

SqlResult run(
    StorageFixture& db, const SqlAttempt& attempt, const std::function<bool()>& stop = [] { return false; })
{
    return open_sql_session(db.backend->options())->run(attempt, stop);
}

std::string effects(StorageFixture& db)
{
    return db.backend->row("SELECT count(*) FROM effects");
}

} // namespace

STORAGE_TEST("sql session: the effects and the completion commit as one, and the row is the result")
{
    const auto table = make_table(db);
    NewJob job{.kind = "email"};
    job.args = R"({"note": "it's", "n": 12345678901234567890})";
    const JobId id = db.enqueue(job);
    const auto claimed = db.claim_one(alice);

    const auto result = run(db,
        attempt_of(claimed,
            "INSERT INTO " + table +
                " VALUES ($2, $1 ->> 'note') RETURNING note, 0.50 AS share, NULL AS missing"));

    CHECK(result.error == "");
    REQUIRE(result.end == SqlEnd::completed);
    CHECK(db.state(id) == JobState::completed);
    CHECK(db.backend->row("SELECT job_id, note FROM effects") == std::to_string(id) + "|it's");
    const auto row = db.storage->find(id);
    REQUIRE(row);
    CHECK(row->result->find("it's") != std::string::npos);
    CHECK(row->result->find("null") != std::string::npos);
    CHECK(row->result->find("0.5") != std::string::npos);
    CHECK(db.settle(claimed, succeeded()) == Settled::completed_by_job);
}

STORAGE_TEST("sql session: a chunk completes as one, and its rows are the results of the jobs that they name")
{
    const auto table = make_table(db);
    const auto jobs = claim_divisions(db, {1, 4, 5});

    const auto result = run(db, chunk_of(db, jobs, table));

    CHECK(result.error == "");
    REQUIRE(result.end == SqlEnd::completed);
    CHECK(effects(db) == "3");
    CHECK(db.state(jobs[0].token.job) == JobState::completed);
    CHECK(db.state(jobs[2].token.job) == JobState::completed);
    const auto row = db.storage->find(jobs[1].token.job);
    REQUIRE(row);
    CHECK(row->result == R"({"note": "25"})");
}

STORAGE_TEST("sql session: a chunk of which one fails or is lost leaves nothing behind")
{
    const auto table = make_table(db);
    auto jobs = claim_divisions(db, {1, 0, 5});

    CHECK(run(db, chunk_of(db, jobs, table)).end == SqlEnd::failed);
    CHECK(effects(db) == "0");

    jobs.erase(jobs.begin() + 1);
    jobs[1].token.fence += 1;
    CHECK(run(db, chunk_of(db, jobs, table)).end == SqlEnd::lost);
    CHECK(effects(db) == "0");
    CHECK(db.state(jobs[0].token.job) == JobState::running);
}

STORAGE_TEST("sql session: a statement that fails leaves nothing behind, and the job to be settled")
{
    const auto table = make_table(db);
    const JobId id = db.enqueue();
    const auto claimed = db.claim_one(alice);

    const auto result = run(db, attempt_of(claimed, "INSERT INTO " + table + " VALUES (1, 'a'), (1, 'b')"));

    CHECK(result.end == SqlEnd::failed);
    CHECK(result.error.find(is_postgres(db) ? "duplicate key" : "UNIQUE constraint failed") !=
        std::string::npos);
    CHECK(result.error_class == (is_postgres(db) ? "23505" : "constraint failed"));
    CHECK(effects(db) == "0");
    CHECK(db.state(id) == JobState::running);
}

STORAGE_TEST("sql session: a lost claim commits nothing")
{
    const auto table = make_table(db);
    const JobId id = db.enqueue();
    auto claimed = db.claim_one(alice);
    claimed.token.fence += 1;

    CHECK(run(db, attempt_of(claimed, "INSERT INTO " + table + " VALUES ($2, 'x')")).end == SqlEnd::lost);

    CHECK(effects(db) == "0");
    CHECK(db.state(id) == JobState::running);
}

STORAGE_TEST("sql session: a statement stops when asked to, and when its time is over")
{
    const JobId id = db.enqueue();
    const auto claimed = db.claim_one(alice);
    auto endless = attempt_of(claimed,
        is_postgres(db)
            ? "SELECT pg_sleep(600)"
            : "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n");
    int asked = 0;

    CHECK(run(db, endless, [&] { return ++asked > 2; }).end == SqlEnd::stopped);
    CHECK(db.state(id) == JobState::running);

    endless.timeout = 50ms;
    CHECK(run(db, endless).end == SqlEnd::timed_out);
    CHECK(db.state(id) == JobState::running);
}

STORAGE_TEST("sql session: what is not one statement inside of the transaction is refused for good")
{
    static_cast<void>(db.enqueue());
    const auto claimed = db.claim_one(alice);

    const auto end_of = [&](const std::string& statement) {
        return run(db, attempt_of(claimed, statement)).end;
    };
    CHECK(end_of("SELECT 1; SELECT 2") != SqlEnd::completed);
    CHECK(end_of("COMMIT") != SqlEnd::completed);
    if (is_postgres(db)) {
        CHECK(end_of("COPY (SELECT 1) TO STDOUT") == SqlEnd::failed);
    } else {
        CHECK(end_of("ATTACH ':memory:' AS other") == SqlEnd::failed);
        CHECK(end_of("PRAGMA journal_mode = WAL") == SqlEnd::failed);
        CHECK(end_of("  -- nothing") == SqlEnd::failed_for_good);
    }
    CHECK(db.state(claimed.token.job) == JobState::running);
    CHECK(end_of("SELECT 1 -- and a comment") == SqlEnd::completed);
}

STORAGE_TEST("sql session: one session takes job after job, also after an error")
{
    const auto session = open_sql_session(db.backend->options());
    const auto never = [] { return false; };
    db.enqueue_several(3);
    const auto jobs = db.claim(alice, 3);
    REQUIRE(jobs.size() == 3);

    CHECK(session->run(attempt_of(jobs[0], "SELECT nonsense"), never).end == SqlEnd::failed);
    CHECK(session->run(attempt_of(jobs[1], "SELECT 1"), never).end == SqlEnd::completed);
    CHECK(session->run(attempt_of(jobs[2], "SELECT 1"), never).end == SqlEnd::completed);
}
