// I4: a write with a claim that no longer stands changes nothing and says so.
#include "storage/storage_fixture.hpp"

using namespace jobrunner;
using namespace jobrunner::tests;

namespace {

const std::vector<RunEnd> all_ends{RunEnd::succeeded, RunEnd::failed, RunEnd::failed_for_good,
    RunEnd::timed_out, RunEnd::snoozed, RunEnd::cancelled, RunEnd::released};

// Every kind of end with this claim is lost and leaves the job as it is.
void check_is_lost(StorageFixture& db, const ClaimedJob& stale)
{
    const JobRow before = db.job(stale.token.job);
    const auto attempts = db.storage->attempts(stale.token.job).size();
    for (const auto end : all_ends) {
        CAPTURE(static_cast<int>(end));
        CHECK(db.settle(stale, ended(end, "late")) == Settled::lost);
        CHECK(describe(db.job(stale.token.job)) == describe(before));
        CHECK(db.job(stale.token.job).run_at == before.run_at);
        CHECK(db.job(stale.token.job).worker == before.worker);
    }
    CHECK(db.storage->attempts(stale.token.job).size() == attempts);
}

} // namespace

STORAGE_TEST("stale claim: an older fence is lost, and the live one still counts")
{
    db.enqueue();
    const ClaimedJob stale = db.claim_one(alice);
    REQUIRE(db.settle(stale, ended(RunEnd::released)) == Settled::applied);
    const ClaimedJob fresh = db.claim_one(alice);
    REQUIRE(fresh.token.fence == stale.token.fence + 1);

    for (const auto end : all_ends) {
        // It closed that claim itself; the job is somebody else's all the same.
        CHECK(db.settle(stale, ended(end)) != Settled::applied);
        CHECK(db.state(fresh.token.job) == JobState::running);
    }

    CHECK(db.settle(fresh, succeeded()) == Settled::applied);
}

STORAGE_TEST("stale claim: a fence that was never granted is lost")
{
    db.enqueue();
    ClaimedJob job = db.claim_one(alice);
    job.token.fence += 1;

    check_is_lost(db, job);
}

STORAGE_TEST("stale claim: another worker with the same fence is lost")
{
    db.enqueue();
    ClaimedJob job = db.claim_one(alice);
    job.token.worker = bob;

    check_is_lost(db, job);
}

STORAGE_TEST("stale claim: a job that does not exist is lost")
{
    db.enqueue();
    ClaimedJob job = db.claim_one(alice);
    job.token.job += 1'000'000;

    for (const auto end : all_ends) {
        CHECK(db.settle(job, ended(end)) == Settled::lost);
    }
}

STORAGE_TEST("stale claim: a worker whose job was taken back changes nothing")
{
    const JobId id = db.enqueue();
    const ClaimedJob stale = db.claim_one(alice);
    db.backend->end_lease(alice);
    REQUIRE(db.rescue() == std::vector{id});

    SUBCASE("while the job waits")
    {
        check_is_lost(db, stale);
    }
    SUBCASE("while another runs it")
    {
        const ClaimedJob fresh = db.claim_one(bob);
        check_is_lost(db, stale);
        CHECK(db.settle(fresh, succeeded()) == Settled::applied);
    }
    SUBCASE("after another completed it")
    {
        REQUIRE(db.settle(db.claim_one(bob), succeeded()) == Settled::applied);
        check_is_lost(db, stale);
    }
    SUBCASE("after an operator cancelled it")
    {
        REQUIRE(db.act(JobAction::cancel, id).result == ActionResult::done);
        check_is_lost(db, stale);
    }
}

STORAGE_TEST("stale claim: a job that died with its worker is lost to it")
{
    NewJob once{.kind = "email"};
    once.max_attempts = 1;
    const JobId id = db.enqueue(once);
    const ClaimedJob stale = db.claim_one(alice);
    db.backend->end_lease(alice);
    REQUIRE(db.rescue() == std::vector{id});
    REQUIRE(db.state(id) == JobState::dead);

    check_is_lost(db, stale);
}

STORAGE_TEST("stale claim: a lease that has passed does not matter until the job is taken back")
{
    const JobId id = db.enqueue();
    const ClaimedJob job = db.claim_one(alice);
    db.backend->end_lease(alice);

    CHECK(db.settle(job, succeeded()) == Settled::applied);
    CHECK(db.state(id) == JobState::completed);
    CHECK(db.rescue().empty());
}

STORAGE_TEST("stale claim: an old and a live claim of one job in one settle")
{
    const JobId id = db.enqueue();
    const ClaimedJob stale = db.claim_one(alice);
    db.backend->end_lease(alice);
    REQUIRE(db.rescue() == std::vector{id});
    const ClaimedJob fresh = db.claim_one(bob);
    ClaimedJob old = stale;
    old.token.worker = bob;

    RunReport report;
    SUBCASE("completed")
    {
        report = succeeded();
    }
    SUBCASE("failed")
    {
        report = ended(RunEnd::failed);
    }
    SUBCASE("dead")
    {
        report = ended(RunEnd::failed_for_good);
    }
    const std::vector settlements{db.decision(old, report), db.decision(fresh, report)};

    CHECK(db.storage->settle(settlements, bob, {}) == std::vector{Settled::lost, Settled::applied});
}

STORAGE_TEST("own settle: a job completed by its own code is reported as such")
{
    const JobId id = db.enqueue();
    const ClaimedJob job = db.claim_one(alice);

    db.backend->complete_by_sql(to_text(job.token), R"({"by": "itself"})");

    CHECK(db.state(id) == JobState::completed);
    CHECK(db.job(id).result.value_or("").find("itself") != std::string::npos);
    CHECK(db.settle(job, succeeded()) == Settled::completed_by_job);
    CHECK(db.settle(job, ended(RunEnd::failed)) == Settled::completed_by_job);
    CHECK(db.state(id) == JobState::completed);
    ClaimedJob other = job;
    other.token.worker = bob;
    CHECK(db.settle(other, succeeded()) == Settled::lost);
}

STORAGE_TEST("own settle: a job of which nothing is kept is reported as settled by itself, once")
{
    KindPolicy policy = policy_of("email");
    policy.keep = 0ms;
    db.storage->publish_kinds({&policy, 1}, "tests");
    const JobId id = db.enqueue();
    REQUIRE(db.settle(db.claim_one(alice), ended(RunEnd::released)) == Settled::applied);
    const ClaimedJob job = db.claim_one(alice);

    db.backend->complete_by_sql(to_text(job.token), "1");

    CHECK_FALSE(db.storage->find(id).has_value());
    ClaimedJob other = job;
    other.token.worker = bob;
    CHECK(db.settle(other, succeeded()) == Settled::lost);
    CHECK(db.settle(job, ended(RunEnd::failed)) == Settled::completed_by_job);
    CHECK(db.backend->row("SELECT count(*) FROM attempt_log") == "0");
}

STORAGE_TEST("own settle: a worker that comes late is told so even after another claim has finished the job")
{
    const JobId id = db.enqueue();
    const ClaimedJob job = db.claim_one(alice);
    db.backend->fail_by_sql(to_text(job.token), "not yet");
    REQUIRE(db.act(JobAction::retry, id).result == ActionResult::done);
    REQUIRE(db.settle(db.claim_one(bob), succeeded()) == Settled::applied);

    CHECK(db.settle(job, succeeded()) == Settled::failed_by_job);
}

STORAGE_TEST("own settle: a job failed by its own code waits for its next attempt")
{
    const JobId id = db.enqueue();
    const ClaimedJob job = db.claim_one(alice);

    db.backend->fail_by_sql(to_text(job.token), "not today");

    CHECK(db.state(id) == JobState::retryable);
    REQUIRE(db.storage->attempts(id).size() == 1);
    CHECK(db.storage->attempts(id)[0].error == "not today");
    CHECK(db.settle(job, succeeded()) == Settled::failed_by_job);
    CHECK(db.state(id) == JobState::retryable);
}

STORAGE_TEST("own settle: a job that fails its last attempt itself is dead")
{
    NewJob once{.kind = "email"};
    once.max_attempts = 1;
    const JobId id = db.enqueue(once);
    const ClaimedJob job = db.claim_one(alice);

    db.backend->fail_by_sql(to_text(job.token), "no");

    CHECK(db.state(id) == JobState::dead);
    CHECK(db.job(id).error == "no");
    CHECK(db.settle(job, succeeded()) == Settled::failed_by_job);
}

STORAGE_TEST("own settle: a stale token is refused")
{
    const JobId id = db.enqueue();
    const ClaimedJob job = db.claim_one(alice);
    ClaimToken other_fence = job.token;
    ++other_fence.fence;
    ClaimToken other_worker = job.token;
    other_worker.worker = bob;

    for (const auto& token : {to_text(other_fence), to_text(other_worker), std::string("1.2"),
             std::string("nonsense"), std::string()}) {
        CAPTURE(token);
        CHECK_THROWS_AS(db.backend->complete_by_sql(token, "1"), Error);
        CHECK_THROWS_AS(db.backend->fail_by_sql(token, "no"), Error);
    }
    CHECK(db.state(id) == JobState::running);
    db.backend->complete_by_sql(to_text(job.token), "1");
    CHECK_THROWS_AS(db.backend->complete_by_sql(to_text(job.token), "1"), Error);
}

STORAGE_TEST("in doubt: what became of claims can be asked")
{
    db.enqueue_several(3);
    const auto jobs = db.claim(alice, 3);
    REQUIRE(jobs.size() == 3);
    REQUIRE(db.settle(jobs[0], succeeded()) == Settled::applied);
    REQUIRE(db.settle(jobs[1], ended(RunEnd::failed)) == Settled::applied);
    const std::vector tokens{jobs[2].token, jobs[1].token, jobs[0].token};

    CHECK(db.storage->settled_already(tokens) ==
        std::vector{Settled::lost, Settled::applied, Settled::applied});
    CHECK(db.storage->settled_already({}).empty());
}
