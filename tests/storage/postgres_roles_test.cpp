// Who may do what: every role on every table, view and function, and the product's own verbs under each role.
#include "storage/postgres_roles.hpp"
#include "storage/storage_fixture.hpp"

#include <algorithm>
#include <map>
#include <set>

using namespace jobrunner;
using namespace jobrunner::tests;

namespace {

using Grants = std::map<std::string, std::string>; // table: letters of SELECT, INSERT, UPDATE, DELETE

const Grants enqueuer_grants{{"jobs", "I"}, {"migrations", "S"}};

const Grants worker_grants{{"jobs", "SIUD"}, {"claims", "SIUD"}, {"history", "SIUD"}, {"dead_jobs", "SIUD"},
    {"attempt_log", "SIUD"}, {"output_chunks", "SIUD"}, {"progress", "SIUD"}, {"workers", "SIUD"},
    {"kinds", "SIUD"}, {"cancel_requests", "SIUD"}, {"statistics_log", "SIUD"}, {"statistics", "SIUD"},
    {"schedules", "SIUD"}, {"dependencies", "SIUD"}, {"batches", "SIUD"}, {"batch_counts", "SIUD"},
    {"gate_news", "S"}, {"schedule_outlook", "S"}, {"limits", "S"}, {"limit_starts", "SIUD"},
    {"unique_windows", "SD"}, {"schedule_runs", "SD"}, {"queues", "S"}, {"migrations", "S"}};

// Beside SELECT on everything.
const Grants operator_grants{{"queues", "SIU"}, {"schedules", "SIU"}, {"limits", "SIUD"},
    {"operator_audit", "SI"}, {"events", "SI"}, {"history", "SD"}, {"dead_jobs", "SD"},
    {"dependencies", "SD"}};

const std::set<std::string> enqueuer_functions{
    "enqueue", "enqueue_many", "complete", "fail", "create_batch", "seal_batch"};
const std::set<std::string> worker_functions{"complete_jobs", "requeue_jobs", "finish_jobs", "keep_finished",
    "keep_until", "keep_of", "tell_finished", "packed_attempts", "cancel_unclaimed", "ensure_history_days",
    "drop_history_days", "instant", "actor", "fire_schedule", "release_runs", "pass_gates",
    "completed_at_gates", "left_unfinished", "renew_lease", "limits_on"};
const std::set<std::string> reader_functions{"instant", "state_of", "limits_on"};
const std::set<std::string> operator_functions{"instant", "state_of", "limits_on", "try_cancel", "try_retry",
    "try_delete", "try_reschedule", "try_edit", "insist", "cancel", "retry", "delete_job", "reschedule",
    "pause_queue", "resume_queue", "pause_schedule", "resume_schedule", "remove_schedule", "run_schedule",
    "create_batch", "seal_batch", "actor"};

std::string expected(const Grants& grants, const std::string& table, bool reads_all)
{
    const auto found = grants.find(table);
    return found != grants.end() ? found->second : reads_all ? "S" : "";
}

// The verbs that the session's role may do to a table, tried and not looked up.
std::string tried(PostgresDatabase& db, const std::string& table, const std::string& column, bool is_view)
{
    std::string letters;
    const auto attempt = [&](char letter, const std::string& sql) {
        const std::string refusal = db.refusal("EXPLAIN " + sql);
        CHECK_MESSAGE((refusal.empty() || refusal.find("permission denied") != std::string::npos), refusal);
        letters += refusal.empty() ? std::string(1, letter) : "";
    };
    attempt('S', "SELECT * FROM " + table);
    if (!is_view) {
        attempt('I', "INSERT INTO " + table + " DEFAULT VALUES");
        attempt('U', "UPDATE " + table + " SET " + column + " = DEFAULT WHERE false");
        attempt('D', "DELETE FROM " + table + " WHERE false");
    }
    return letters;
}

void check_tables(PostgresDatabase& db, const std::string& role, const Grants& grants, bool reads_all)
{
    const auto tables = db.rows("SELECT c.relname, (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = "
                                "c.oid AND a.attnum = 1), c.relkind"
                                " FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND "
                                "c.relkind IN ('r', 'p', 'v')"
                                " ORDER BY c.relname");
    REQUIRE(tables.size() > 20);
    db.run_sql("SET ROLE " + role);
    for (const auto& line : tables) {
        const auto first = line.find('|');
        const auto second = line.find('|', first + 1);
        const std::string table = line.substr(0, first);
        CAPTURE(role);
        CAPTURE(table);
        CHECK(tried(db, table, line.substr(first + 1, second - first - 1), line.back() == 'v') ==
            expected(grants, table, reads_all));
    }
    db.run_sql("RESET ROLE");
}

void check_functions(PostgresDatabase& db, const std::string& role, const std::set<std::string>& functions)
{
    const auto allowed = db.rows("SELECT DISTINCT p.proname FROM pg_proc p"
                                 " WHERE p.pronamespace = current_schema()::regnamespace"
                                 " AND has_function_privilege('" +
        role + "', p.oid, 'EXECUTE') ORDER BY 1");
    CAPTURE(role);
    CHECK(std::set(allowed.begin(), allowed.end()) == functions);
}

// Hands a fixture the options of one role; time is the owner's to move.
class RoleBackend final : public Backend {
public:
    RoleBackend(PostgresDatabase& owner, DatabaseOptions options)
        : owner_(owner), options_(std::move(options))
    {
    }

    DatabaseOptions options() const override { return options_; }
    void run_sql(const std::string& sql) override { owner_.run_sql(sql); }
    std::vector<std::string> rows(const std::string& sql) override { return owner_.rows(sql); }
    std::string enqueue_by_sql(const std::string&, const std::string&, const std::string&) override
    {
        return "";
    }
    void complete_by_sql(const std::string&, const std::string&) override {}
    void fail_by_sql(const std::string&, const std::string&) override {}
    void end_lease(WorkerId) override {}
    void bring_forward(JobId, Milliseconds) override {}
    void let_expire(JobId) override {}
    void age_finished(JobId, Milliseconds) override {}
    void age_statistics(std::chrono::minutes) override {}
    void age_workers(std::chrono::hours) override {}

private:
    PostgresDatabase& owner_;
    DatabaseOptions options_;
};

template <typename Body>
void with_roles(Body body)
{
    if (const auto url = postgres_url()) {
        PostgresDatabase database(*url);
        const PostgresRoles roles(database);
        body(database, roles);
    }
}

JobId add(Storage& storage, const std::string& kind = "email")
{
    const NewJob job{.kind = kind};
    return storage.enqueue({&job, 1}, OnConflict::refuse).at(0).id;
}

} // namespace

TEST_CASE("postgres roles: each role may do to each table what it needs, and no more")
{
    with_roles([](PostgresDatabase& db, const PostgresRoles& roles) {
        check_tables(db, roles.names().enqueuer, enqueuer_grants, false);
        check_tables(db, roles.names().worker, worker_grants, false);
        check_tables(db, roles.names().operator_role, operator_grants, true);
        check_tables(db, roles.names().reader, {}, true);
    });
}

TEST_CASE("postgres roles: each role may call the functions made for it, and no other")
{
    with_roles([](PostgresDatabase& db, const PostgresRoles& roles) {
        check_functions(db, roles.names().enqueuer, enqueuer_functions);
        check_functions(db, roles.names().worker, worker_functions);
        check_functions(db, roles.names().operator_role, operator_functions);
        check_functions(db, roles.names().reader, reader_functions);
        check_functions(db, "public", {});
    });
}

TEST_CASE("postgres roles: nobody but the owner makes anything in the schema")
{
    with_roles([](PostgresDatabase& db, const PostgresRoles& roles) {
        for (const auto& role : {roles.names().enqueuer, roles.names().worker, roles.names().operator_role,
                 roles.names().reader}) {
            db.run_sql("SET ROLE " + role);
            CHECK(db.refusal("CREATE TABLE mine (x int)").find("permission denied") != std::string::npos);
            CHECK(db.refusal("TRUNCATE jobs").find("permission denied") != std::string::npos);
            db.run_sql("RESET ROLE");
        }
    });
}

TEST_CASE("postgres roles: functions that act for others fix their search_path")
{
    with_roles([](PostgresDatabase& db, const PostgresRoles&) {
        CHECK(db.rows("SELECT proname FROM pg_proc WHERE pronamespace = current_schema()::regnamespace AND "
                      "prosecdef"
                      " AND NOT coalesce(proconfig::text LIKE '%search_path=pg_catalog%', false)")
                  .empty());
    });
}

TEST_CASE("postgres roles: granting them twice changes nothing")
{
    with_roles([](PostgresDatabase& db, const PostgresRoles& roles) {
        const auto acl = [&] {
            return db.rows(
                "SELECT relname, relacl FROM pg_class WHERE relnamespace = current_schema()::regnamespace"
                " ORDER BY 1");
        };
        const auto before = acl();

        open_migrator(db.options())->apply_roles(roles.names());

        CHECK(acl() == before);
    });
}

TEST_CASE("postgres roles: a worker's role suffices for all that workers do")
{
    with_roles([](PostgresDatabase& db, const PostgresRoles& roles) {
        const auto owner = db.open();
        StorageFixture fixture(std::make_unique<RoleBackend>(db, roles.options_as(roles.names().worker)));
        for (int i = 0; i < 6; ++i) {
            add(*owner);
        }
        const auto jobs = fixture.claim(alice, 6);
        REQUIRE(jobs.size() == 6);
        const LiveOutput chunk{jobs[0].token, 1, "out", "text"};
        const Progress progress{jobs[0].token, 5.0, "note", "{}"};
        CHECK_NOTHROW(fixture.storage->write_output({&chunk, 1}));
        CHECK_NOTHROW(fixture.storage->write_progress({&progress, 1}));
        CHECK_NOTHROW(static_cast<void>(fixture.storage->cancel_requests(alice)));
        const std::vector ends{
            RunEnd::succeeded, RunEnd::failed, RunEnd::failed_for_good, RunEnd::snoozed, RunEnd::cancelled};
        for (std::size_t i = 0; i < ends.size(); ++i) {
            RunReport report = ended(ends[i]);
            report.wrote_live_output = true;
            CHECK(fixture.settle(jobs[i], report) == Settled::applied);
        }
        CHECK(fixture.storage->heartbeat({.worker = alice}));
        db.run_sql(
            "UPDATE workers SET lease_until = now() - interval '1 s' WHERE id = " + std::to_string(alice));
        CHECK(fixture.rescue().size() == 1);
        CHECK_NOTHROW(static_cast<void>(fixture.storage->promote(10)));
        LimitedRequest limited;
        limited.worker = alice;
        limited.batch = 99;
        limited.lanes = {{{"default", 0}, 0, 1}};
        limited.limit = 1;
        limited.look_at = 1;
        CHECK_NOTHROW(static_cast<void>(fixture.storage->claim_limited(limited)));
        db.run_sql("UPDATE jobs SET expires_at = now() - interval '1 s'");
        CHECK(fixture.storage->expire(10) > 0);
        const std::vector<Milliseconds> keeps{24h};
        CHECK_NOTHROW(fixture.storage->tidy(keeps));
        CHECK_NOTHROW(fixture.storage->retire_worker(bob));
        CHECK(fixture.error_of([&] { add(*fixture.storage); }).kind() == ErrorKind::usage);
        CHECK(fixture.error_of([&] { fixture.storage->pause_queue("default", "w"); }).kind() ==
            ErrorKind::usage);
    });
}

TEST_CASE("postgres roles: an operator's role suffices for the actions, and none runs jobs")
{
    with_roles([](PostgresDatabase& db, const PostgresRoles& roles) {
        const auto owner = db.open();
        const auto storage = open_storage(roles.options_as(roles.names().operator_role));
        const JobId id = add(*owner);
        for (const auto action : {JobAction::edit, JobAction::reschedule, JobAction::retry, JobAction::cancel,
                 JobAction::retry, JobAction::remove}) {
            const JobCommand command{
                .action = action, .run_in = 1h, .changes = R"({"priority": 1})", .actor = "op"};
            CHECK(storage->act(command, {&id, 1}).at(0).result == ActionResult::done);
        }
        CHECK_NOTHROW(storage->pause_queue("q", "op"));
        CHECK_NOTHROW(storage->resume_queue("q", "op"));
        CHECK_NOTHROW(storage->set_queue("q", 1, 2, "op"));
        CHECK_NOTHROW(storage->set_limit({.name = "q", .at_most = 1}, "op"));
        CHECK(storage->limits().size() == 1);
        CHECK(storage->remove_limit(LimitScope::queue, "q", "op"));
        const std::vector all{JobState::completed, JobState::dead};
        CHECK(storage->prune(all, 0ms, 10) == 0);
        CHECK_NOTHROW(static_cast<void>(storage->list({})));
        CHECK(StorageFixture::error_of([&] { static_cast<void>(storage->promote(1)); }).kind() ==
            ErrorKind::usage);
        CHECK(StorageFixture::error_of([&] { storage->tidy({}); }).kind() == ErrorKind::usage);
        CHECK(StorageFixture::error_of([&] { add(*storage); }).kind() == ErrorKind::usage);
    });
}

TEST_CASE("postgres roles: a reader sees everything and changes nothing")
{
    with_roles([](PostgresDatabase& db, const PostgresRoles& roles) {
        const JobId id = add(*db.open());
        const auto storage = open_storage(roles.options_as(roles.names().reader));

        CHECK(storage->find(id).has_value());
        CHECK(storage->list({}).size() == 1);
        CHECK(storage->attempts(id).empty());
        CHECK(storage->output(id, 0, 0).empty());
        CHECK(storage->queues().size() == 1);
        CHECK(storage->workers().empty());
        CHECK(storage->kind_stats(std::nullopt).empty());
        CHECK(storage->minute_stats(1h, 1min).empty());
        CHECK(storage->dead_groups(5).empty());
        const JobCommand command{.action = JobAction::cancel, .actor = "r"};
        CHECK(StorageFixture::error_of([&] {
            static_cast<void>(storage->act(command, {&id, 1}));
        }).kind() == ErrorKind::usage);
    });
}

TEST_CASE("postgres roles: an enqueuer's role suffices to enqueue, and to complete its own job")
{
    with_roles([](PostgresDatabase& db, const PostgresRoles& roles) {
        const auto storage = open_storage(roles.options_as(roles.names().enqueuer));
        const JobId id = add(*storage);
        NewJob keyed{.kind = "email"};
        keyed.unique_key = "k";
        for (const auto on_conflict : {OnConflict::skip, OnConflict::replace, OnConflict::merge}) {
            CHECK_NOTHROW(static_cast<void>(storage->enqueue({&keyed, 1}, on_conflict)));
        }
        db.run_sql("UPDATE jobs SET state = 'running', worker = 5, fence = 1, attempt = 1 WHERE id = " +
            std::to_string(id));

        db.run_sql("SET ROLE " + roles.names().enqueuer);
        CHECK(db.refusal("SELECT complete('" + std::to_string(id) + ".1.6')").find("no longer held") !=
            std::string::npos);
        CHECK(db.refusal("SELECT complete('" + std::to_string(id) + ".1.5', '{}')").empty());
        db.run_sql("RESET ROLE");
        CHECK(db.row("SELECT state FROM history WHERE id = " + std::to_string(id)) == "completed");
    });
}
