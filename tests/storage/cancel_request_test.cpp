// What an operator asked of a running job holds, however its attempt ends.
#include "storage/storage_fixture.hpp"

using namespace jobrunner;
using namespace jobrunner::tests;

namespace {

// A claimed job that somebody asked to cancel.
ClaimedJob claimed_and_asked(StorageFixture& db, const NewJob& job = {.kind = "email"})
{
    const JobId id = db.enqueue(job);
    const ClaimedJob claimed = db.claim_one(alice);
    REQUIRE(db.act(JobAction::cancel, id).result == ActionResult::requested);
    return claimed;
}

} // namespace

STORAGE_TEST("cancel request: wins over another try, whatever way the attempt ends by itself")
{
    RunReport report;
    std::string outcome;
    SUBCASE("failed")
    {
        report = ended(RunEnd::failed, "boom");
        outcome = "failed";
    }
    SUBCASE("timed out")
    {
        report = ended(RunEnd::timed_out);
        outcome = "timed_out";
    }
    SUBCASE("snoozed")
    {
        report = ended(RunEnd::snoozed);
        outcome = "snoozed";
    }
    SUBCASE("given back")
    {
        report = ended(RunEnd::released);
        outcome = "released";
    }
    SUBCASE("failed for good")
    {
        report = ended(RunEnd::failed_for_good, "boom");
        outcome = "failed";
    }
    const ClaimedJob job = claimed_and_asked(db);

    CHECK(db.settle(job, report) == Settled::applied);

    const JobRow row = db.job(job.token.job);
    CHECK(row.state == JobState::cancelled);
    CHECK(row.reason == "cancelled while running");
    CHECK(row.error.value_or("") == report.error);
    CHECK(db.outcomes(job.token.job) == std::vector{outcome});
    CHECK(db.storage->cancel_requests(alice).empty());
    CHECK(db.backend->row("SELECT count(*) FROM dead_jobs") == "0");
}

STORAGE_TEST("cancel request: others in the same call go their own way")
{
    const ClaimedJob asked = claimed_and_asked(db);
    const JobId other = db.enqueue();
    const std::vector<Settlement> ends{
        db.decision(db.claim_one(alice), ended(RunEnd::failed)), db.decision(asked, ended(RunEnd::failed))};

    CHECK(db.storage->settle(ends, alice, {}) == std::vector(2, Settled::applied));

    CHECK(db.state(asked.token.job) == JobState::cancelled);
    CHECK(db.state(other) == JobState::retryable);
}

STORAGE_TEST("cancel request: holds when the job's worker is lost")
{
    const ClaimedJob job = claimed_and_asked(db);

    db.backend->end_lease(alice);
    CHECK(db.rescue() == std::vector{job.token.job});

    CHECK(db.state(job.token.job) == JobState::cancelled);
    CHECK(db.outcomes(job.token.job) == std::vector<std::string>{"crashed"});
    CHECK(db.settle(job, succeeded()) == Settled::lost);
}

STORAGE_TEST("cancel request: holds when the job's own code fails it")
{
    const ClaimedJob job = claimed_and_asked(db);

    db.backend->fail_by_sql(to_text(job.token), "boom");

    CHECK(db.state(job.token.job) == JobState::cancelled);
    CHECK(db.settle(job, ended(RunEnd::failed)) == Settled::failed_by_job);
}

STORAGE_TEST("cancel request: a job that completed all the same is completed")
{
    const ClaimedJob job = claimed_and_asked(db);

    CHECK(db.settle(job, succeeded()) == Settled::applied);

    CHECK(db.state(job.token.job) == JobState::completed);
    REQUIRE(db.act(JobAction::retry, job.token.job).result == ActionResult::done);
    db.storage->tidy({});
    CHECK(db.settle(db.claim_one(bob), ended(RunEnd::failed)) == Settled::applied);
    CHECK(db.state(job.token.job) == JobState::retryable);
}

STORAGE_TEST("cancel request: a stale claim does not use it up")
{
    const ClaimedJob job = claimed_and_asked(db);
    ClaimedJob stale = job;
    ++stale.token.fence;

    CHECK(db.settle(stale, ended(RunEnd::failed)) == Settled::lost);

    CHECK(db.state(job.token.job) == JobState::running);
    CHECK(db.storage->cancel_requests(alice).size() == 1);
}

STORAGE_TEST("cancel request: a job that was given other work after it runs again, once")
{
    NewJob keyed{.kind = "email"};
    keyed.unique_key = "key";
    const ClaimedJob job = claimed_and_asked(db, keyed);
    REQUIRE(db.enqueue_on_conflict(keyed, OnConflict::replace)[0].existing);

    CHECK(db.settle(job, ended(RunEnd::failed)) == Settled::applied);

    CHECK(db.state(job.token.job) == JobState::available);
    CHECK(db.backend->row("SELECT count(*) FROM cancel_requests") == "0");
}

// On SQLite the two cannot come at the same time: there is one writer.
TEST_CASE("postgres cancel request: one that came as its claim was being closed follows the job")
{
    run_on("postgres", [](StorageFixture& db) {
        const JobId waits = db.enqueue();
        REQUIRE(db.settle(db.claim_one(alice), ended(RunEnd::failed)) == Settled::applied);
        const JobId runs = db.enqueue();
        REQUIRE(db.settle(db.claim_one(alice), ended(RunEnd::released)) == Settled::applied);
        const ClaimedJob again = db.claim_one(bob);
        REQUIRE(again.token.job == runs);
        for (const JobId id : {waits, runs}) {
            db.backend->run_sql("INSERT INTO cancel_requests (job_id, fence, worker, requested_by) VALUES (" +
                std::to_string(id) + ", 1, " + std::to_string(alice) + ", 'tester')");
        }

        db.storage->tidy({});

        CHECK(db.state(waits) == JobState::cancelled);
        CHECK(db.storage->cancel_requests(bob).size() == 1);
        CHECK(db.settle(again, ended(RunEnd::failed)) == Settled::applied);
        CHECK(db.state(runs) == JobState::cancelled);
    });
}

STORAGE_TEST("cancel request: a stale claim's end leaves the request to the claim that came after it")
{
    const JobId id = db.enqueue();
    const ClaimedJob stale = db.claim_one(alice);
    REQUIRE(db.settle(stale, ended(RunEnd::released)) == Settled::applied);
    const ClaimedJob job = db.claim_one(alice);
    REQUIRE(db.act(JobAction::cancel, id).result == ActionResult::requested);

    CHECK(db.settle(stale, ended(RunEnd::cancelled)) != Settled::applied);
    CHECK(db.storage->cancel_requests(alice).size() == 1);

    CHECK(db.settle(job, ended(RunEnd::failed, "boom")) == Settled::applied);
    CHECK(db.state(id) == JobState::cancelled);
    CHECK(db.backend->row("SELECT count(*) FROM cancel_requests") == "0");
}
