// What doctor and verify say.
#include "storage/storage_fixture.hpp"

#include <algorithm>
#include <set>

using namespace jobrunner;
using namespace jobrunner::tests;

namespace {

std::set<std::string> codes(StorageFixture& db)
{
    std::set<std::string> all;
    for (const auto& one : db.storage->findings()) {
        CHECK_FALSE(one.text.empty());
        CHECK_FALSE(one.remedy.empty());
        all.insert(one.code);
    }
    return all;
}

// The promises that are broken for a job, or for any.
std::set<std::string> broken(StorageFixture& db, std::optional<JobId> job = std::nullopt)
{
    std::set<std::string> all;
    for (const auto& one : db.storage->violations()) {
        if (!job || one.job == job) {
            all.insert(one.promise);
        }
    }
    return all;
}

using Codes = std::set<std::string>;

} // namespace

STORAGE_TEST("verify: jobs that went every way keep every promise")
{
    const JobId done = db.enqueue();
    NewJob series{.kind = "email"};
    series.serial_key = "s";
    db.enqueue(series);
    db.enqueue(series);
    NewJob child{.kind = "email"};
    child.depends_on = {done};
    db.enqueue(child);
    static_cast<void>(db.storage->pass_gates(100));
    REQUIRE(db.settle(db.claim_one(alice), succeeded()) == Settled::applied);
    REQUIRE(db.settle(db.claim_one(alice), ended(RunEnd::failed, "boom")) == Settled::applied);
    const JobId dead = db.enqueue();
    db.bury(dead);
    REQUIRE(db.act(JobAction::retry, dead).result == ActionResult::done);
    REQUIRE(db.act(JobAction::cancel, db.enqueue()).result == ActionResult::done);
    db.enqueue();
    static_cast<void>(db.claim_one(bob));

    for (const auto& one : db.storage->violations()) {
        FAIL_CHECK(one.promise << " " << one.job.value_or(0) << " " << one.text);
    }
}

STORAGE_TEST("verify: names each promise that rows break")
{
    const JobId twice = db.enqueue();
    const JobId unclaimed = db.enqueue();
    const JobId many = db.enqueue();
    const JobId lost_claim = db.enqueue();
    REQUIRE(db.claim(alice, 4).size() == 4);
    db.backend->run_sql("DELETE FROM claims");
    db.backend->run_sql("UPDATE jobs SET attempt = 9, attempt_limit = 3 WHERE id = " + std::to_string(many));
    db.backend->run_sql("UPDATE jobs SET fence = 7 WHERE id = " + std::to_string(lost_claim));
    db.backend->run_sql("UPDATE jobs SET worker = 12345 WHERE id = " + std::to_string(unclaimed));
    db.backend->run_sql(
        "INSERT INTO dead_jobs (id, state, fence, finished_at, attempt, priority, queue, kind, run_at, "
        "requires, "
        "created_at, crashes, snoozes, give_backs, cost, on_dependency_failure, tags, meta, args) "
        "SELECT id, 'dead', fence, created_at, attempt, priority, queue, kind, run_at, requires, created_at, "
        "crashes, snoozes, give_backs, cost, on_dependency_failure, tags, meta, args FROM jobs WHERE id = " +
        std::to_string(twice));
    const JobId blocked = db.enqueue();
    db.backend->run_sql("UPDATE jobs SET state = 'blocked' WHERE id = " + std::to_string(blocked));

    CHECK(broken(db, twice).contains("one_place"));
    CHECK(broken(db, unclaimed).contains("running_has_a_worker"));
    CHECK(broken(db, unclaimed).contains("running_is_claimed"));
    CHECK(broken(db, many).contains("attempts_within_limit"));
    CHECK(broken(db, lost_claim).contains("each_claim_is_closed"));
    CHECK(broken(db, blocked) == Codes{"blocked_by_something"});
}

STORAGE_TEST("doctor: finds schedules that were due and did not run")
{
    NewSchedule daily;
    daily.name = "daily";
    daily.expression = "0 3 * * *";
    daily.kind = "email";
    db.storage->put_schedules({&daily, 1}, "tests", false);
    CHECK_FALSE(codes(db).contains("schedule_late"));
    const bool sqlite = db.backend->options().url.starts_with("sqlite");
    const std::string past =
        sqlite ? "strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-2 minutes')" : "now() - interval '2 minutes'";
    db.backend->run_sql("UPDATE schedules SET next_at = " + past);
    CHECK(codes(db).contains("schedule_late"));
    db.storage->pause_schedule("daily", "tester");
    CHECK_FALSE(codes(db).contains("schedule_late"));
}

STORAGE_TEST("doctor: finds workers that are lost, kinds that nobody has, paused queues")
{
    db.backend->run_sql("UPDATE workers SET kinds = " +
        std::string(db.backend->options().url.starts_with("sqlite") ? "'[\"email\"]'" : "'{email}'"));
    const Codes before = codes(db);
    CHECK_FALSE(before.contains("worker_lost"));
    CHECK_FALSE(before.contains("unknown_kind"));
    CHECK_FALSE(before.contains("no_worker"));

    db.enqueue({.kind = "nobodys"});
    db.storage->pause_queue("slow", "tester");
    db.backend->end_lease(bob);
    db.backend->age_workers(1h);
    const Codes after = codes(db);

    CHECK(after.contains("queue_paused"));
    CHECK(after.contains("worker_lost"));
    CHECK(after.contains("no_worker"));
    db.register_worker(99);
    CHECK(codes(db).contains("unknown_kind"));
    CHECK_FALSE(codes(db).contains("damaged_file"));
}
