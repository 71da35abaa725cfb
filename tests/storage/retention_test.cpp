// Statistics and what is kept of finished jobs.
#include "storage/storage_fixture.hpp"

using namespace jobrunner;
using namespace jobrunner::tests;

namespace {

KindStatsRow stats(
    StorageFixture& db, const std::string& kind, std::optional<Milliseconds> over_last = std::nullopt)
{
    for (const auto& row : db.storage->kind_stats(over_last)) {
        if (row.kind == kind) {
            return row;
        }
    }
    return {};
}

// One job for each end of an attempt, and what they add up to.
void settle_one_of_each(StorageFixture& db)
{
    for (const auto end : {RunEnd::succeeded, RunEnd::succeeded, RunEnd::failed, RunEnd::timed_out,
             RunEnd::failed_for_good, RunEnd::cancelled, RunEnd::snoozed}) {
        db.enqueue();
        REQUIRE(db.settle(db.claim_one(alice), ended(end)) == Settled::applied);
    }
    db.enqueue();
    REQUIRE(db.settle(db.claim_one(alice), ended(RunEnd::released)) == Settled::applied);
    static_cast<void>(db.claim_one(bob));
    db.backend->end_lease(bob);
    REQUIRE(db.rescue().size() == 1);
}

void check_one_of_each(const KindStatsRow& row)
{
    CHECK(row.completed == 2);
    CHECK(row.failed == 2);
    CHECK(row.dead == 1);
    CHECK(row.cancelled == 1);
    CHECK(row.snoozed == 1);
    CHECK(row.released == 1);
    CHECK(row.crashed == 1);
}

} // namespace

STORAGE_TEST("statistics: every settled attempt counts once, before and after folding")
{
    settle_one_of_each(db);
    check_one_of_each(stats(db, "email"));

    db.storage->tidy({});
    check_one_of_each(stats(db, "email"));
    db.backend->age_statistics(5min);
    db.storage->tidy({});

    check_one_of_each(stats(db, "email"));
    CHECK(db.backend->row("SELECT count(*) FROM statistics_log") == "0");
    CHECK(db.backend->row("SELECT count(*) FROM statistics") == "1");
}

STORAGE_TEST("statistics: folded minutes add up")
{
    for (int round = 0; round < 3; ++round) {
        db.enqueue_several(2);
        for (const auto& job : db.claim(alice, 2)) {
            REQUIRE(db.settle(job, succeeded()) == Settled::applied);
        }
        db.backend->run_sql("UPDATE statistics_log SET minute = '2026-01-01T00:00:00.000Z'");
        db.storage->tidy({});
    }

    CHECK(stats(db, "email").completed == 6);
    CHECK(db.backend->row("SELECT count(*) FROM statistics WHERE completed = 6") == "1");
}

STORAGE_TEST("statistics: a look at the last while leaves out what was before")
{
    settle_one_of_each(db);
    db.backend->age_statistics(120min);
    NewJob report{.kind = "report"};
    report.queue = "reports";
    db.enqueue(report);
    REQUIRE(db.settle(db.claim(alice, 1, {"reports", 0}).at(0), succeeded()) == Settled::applied);

    CHECK(stats(db, "report", 1h).completed == 1);
    CHECK(stats(db, "email", 1h).completed == 0);
    CHECK(stats(db, "email", 3h).completed == 2);
    CHECK(stats(db, "email").completed == 2);
}

STORAGE_TEST("statistics: steps of minutes, by queue and kind, the latest first, folded or not")
{
    settle_one_of_each(db);
    NewJob report{.kind = "report"};
    report.queue = "reports";
    db.enqueue(report);
    REQUIRE(db.settle(db.claim(alice, 1, {"reports", 0}).at(0), succeeded()) == Settled::applied);
    db.backend->age_statistics(30min);
    db.storage->tidy({});
    db.enqueue();
    REQUIRE(db.settle(db.claim_one(alice), succeeded()) == Settled::applied);

    const auto steps = db.storage->minute_stats(2h, 1min);
    const auto few = db.storage->minute_stats(2h, 24h);

    // A minute may have ended while the jobs were settled.
    REQUIRE(steps.size() >= 3);
    KindStatsRow sum;
    std::int64_t reports = 0;
    for (std::size_t i = 0; i < steps.size(); ++i) {
        CHECK((i == 0 || steps[i - 1].begin >= steps[i].begin));
        CHECK(steps[i].begin.ends_with(":00.000Z"));
        if (steps[i].counts.kind == "report") {
            CHECK(steps[i].queue == "reports");
            reports += steps[i].counts.completed;
            continue;
        }
        CHECK(steps[i].queue == "default");
        sum.completed += steps[i].counts.completed;
        sum.failed += steps[i].counts.failed;
        sum.dead += steps[i].counts.dead;
        sum.cancelled += steps[i].counts.cancelled;
        sum.snoozed += steps[i].counts.snoozed;
        sum.released += steps[i].counts.released;
        sum.crashed += steps[i].counts.crashed;
    }
    CHECK(reports == 1);
    CHECK(sum.completed == 3);
    CHECK(sum.failed == 2);
    CHECK(sum.crashed == 1);
    CHECK(sum.dead + sum.cancelled + sum.snoozed + sum.released == 4);
    CHECK(few.at(0).begin.ends_with("T00:00:00.000Z"));
    CHECK(few.size() <= 4);
    CHECK(db.storage->minute_stats(10min, 1min).back().begin > steps.back().begin);
    CHECK(db.storage->minute_stats(10min, 1min).back().counts.kind == "email");
}

STORAGE_TEST("statistics: a stale settle counts nothing")
{
    db.enqueue();
    ClaimedJob job = db.claim_one(alice);
    ++job.token.fence;

    for (const auto end : {RunEnd::succeeded, RunEnd::failed, RunEnd::failed_for_good}) {
        CHECK(db.settle(job, ended(end)) == Settled::lost);
    }

    const KindStatsRow row = stats(db, "email");
    CHECK(row.completed + row.failed + row.dead == 0);
}

STORAGE_TEST("statistics: time waited and run is summed over completed jobs")
{
    const JobId id = db.enqueue();
    db.backend->bring_forward(id, 1h);
    REQUIRE(db.settle(db.claim_one(alice), succeeded()) == Settled::applied);

    CHECK(stats(db, "email").wait_ms >= 0);
    CHECK(stats(db, "email").run_ms >= 0);
}

STORAGE_TEST("tidy: finished jobs go once the last day of their keeping has passed")
{
    const auto ids = db.enqueue_several(2);
    const std::vector<Milliseconds> keeps{24h * 7};
    db.storage->tidy(keeps);
    for (const auto& job : db.claim(alice, 2)) {
        REQUIRE(db.settle(job, succeeded()) == Settled::applied);
    }
    db.storage->tidy(keeps);
    REQUIRE(db.storage->list({}).size() == 2);

    db.backend->age_finished(ids[0], 24h * 9);
    db.storage->tidy(keeps);

    CHECK_FALSE(db.storage->find(ids[0]).has_value());
    CHECK(db.state(ids[1]) == JobState::completed);
}

STORAGE_TEST("tidy: dead letters stay")
{
    const JobId id = db.enqueue();
    db.bury(id);
    db.backend->run_sql("UPDATE dead_jobs SET finished_at = '2001-01-01T00:00:00.000Z'");

    db.storage->tidy({});

    CHECK(db.state(id) == JobState::dead);
}

STORAGE_TEST("tidy: often and with nothing to do")
{
    const std::vector<Milliseconds> keeps{24h * 7, 24h, 0ms, 24h * 365};

    for (int i = 0; i < 3; ++i) {
        CHECK_NOTHROW(db.storage->tidy(keeps));
    }
}

STORAGE_TEST("prune: deletes finished jobs of the given states that are old enough, up to the limit")
{
    const auto ids = db.enqueue_several(6);
    const auto jobs = db.claim(alice, 6);
    for (std::size_t i = 0; i < 6; ++i) {
        const auto end = i < 2 ? RunEnd::succeeded : i < 4 ? RunEnd::failed_for_good : RunEnd::cancelled;
        REQUIRE(db.settle(jobs[i], ended(end)) == Settled::applied);
    }
    for (std::size_t i = 0; i < 5; ++i) {
        db.backend->run_sql("UPDATE " + std::string(i == 2 || i == 3 ? "dead_jobs" : "history") +
            " SET finished_at = '2020-01-01T00:00:00.000Z' WHERE id = " + std::to_string(ids[i]));
    }
    const std::vector all{JobState::completed, JobState::dead, JobState::cancelled};
    const std::vector dead{JobState::dead};

    CHECK(db.storage->prune(dead, 1h, 1) == 1);
    CHECK(db.storage->prune(dead, 1h, 10) == 1);
    CHECK(db.storage->prune(dead, 1h, 10) == 0);
    CHECK(db.storage->prune({}, 1h, 10) == 0);
    CHECK(db.storage->prune(all, 1h, 2) == 2);
    CHECK(db.storage->prune(all, 1h, 2) == 1);
    CHECK(db.storage->list({}).size() == 1);
    CHECK(db.state(ids[5]) == JobState::cancelled);
}

STORAGE_TEST("prune: the limit holds over dead letters and history together")
{
    const auto ids = db.enqueue_several(4);
    const auto jobs = db.claim(alice, 4);
    for (std::size_t i = 0; i < 4; ++i) {
        REQUIRE(db.settle(jobs[i], ended(i < 2 ? RunEnd::succeeded : RunEnd::failed_for_good)) ==
            Settled::applied);
    }
    for (const auto* table : {"history", "dead_jobs"}) {
        db.backend->run_sql(std::string("UPDATE ") + table + " SET finished_at = '2020-01-01T00:00:00.000Z'");
    }
    const std::vector all{JobState::completed, JobState::dead};

    CHECK(db.storage->prune(all, 1h, 3) == 3);
    CHECK(db.storage->prune(all, 1h, 3) == 1);
}

STORAGE_TEST("prune: a dead letter takes what it depended on along, and nobody else's")
{
    const auto ids = db.enqueue_several(2);
    for (const auto& one : {ids[0], ids[1]}) {
        db.backend->run_sql(
            "INSERT INTO dependencies (job_id, parent_id) VALUES (" + std::to_string(one) + ", 1)");
    }
    REQUIRE(db.settle(db.claim_one(alice), ended(RunEnd::failed_for_good)) == Settled::applied);
    const std::vector dead{JobState::dead};

    CHECK(db.storage->prune(dead, 0ms, 10) == 1);

    CHECK(
        db.backend->row("SELECT count(*) FROM dependencies WHERE job_id = " + std::to_string(ids[0])) == "0");
    CHECK(
        db.backend->row("SELECT count(*) FROM dependencies WHERE job_id = " + std::to_string(ids[1])) == "1");
}

STORAGE_TEST("prune: unfinished jobs are never touched")
{
    db.enqueue_several(3);
    static_cast<void>(db.claim_one(alice));
    const std::vector states{
        JobState::available, JobState::running, JobState::scheduled, JobState::completed};

    CHECK(db.storage->prune(states, 0ms, 100) == 0);

    CHECK(db.storage->list({}).size() == 3);
}
