// Jobs that wait for their time, and those that have waited too long.
#include "storage/storage_fixture.hpp"

using namespace jobrunner;
using namespace jobrunner::tests;

namespace {

NewJob expiring()
{
    NewJob job{.kind = "email"};
    job.expires_at = "2099-01-01T00:00:00.000Z";
    return job;
}

} // namespace

STORAGE_TEST("promote: a scheduled job is not started before its time")
{
    const JobId id = db.enqueue({.kind = "email", .run_in = 1h});

    CHECK(db.storage->promote(10) == 0);
    CHECK(db.state(id) == JobState::scheduled);
    CHECK(db.claim(alice, 10).empty());
}

STORAGE_TEST("promote: a job whose time has come may be claimed")
{
    const JobId id = db.enqueue({.kind = "email", .run_in = 1h});
    db.backend->bring_forward(id, 1h);

    static_cast<void>(db.storage->promote(10));

    CHECK(db.state(id) == JobState::available);
    CHECK(db.claim_one(alice).token.job == id);
    CHECK(db.storage->promote(10) == 0);
}

STORAGE_TEST("promote: jobs are shown as available as soon as their time has come")
{
    const JobId id = db.enqueue({.kind = "email", .run_in = 1h});
    db.backend->bring_forward(id, 1h);

    CHECK(db.state(id) == JobState::available);
    CHECK(db.storage->list({.states = {JobState::scheduled}}).empty());
    CHECK(db.storage->list({.states = {JobState::available}}).size() == 1);
}

STORAGE_TEST("expire: a job not started in time is cancelled with the reason expired")
{
    const JobId late = db.enqueue(expiring());
    const JobId in_time = db.enqueue(expiring());
    db.backend->let_expire(late);

    CHECK(db.storage->expire(10) == 1);

    const JobRow row = db.job(late);
    CHECK(row.state == JobState::cancelled);
    CHECK(row.reason == "expired");
    CHECK(row.finished_at.has_value());
    CHECK(row.attempt == 0);
    CHECK(db.state(in_time) == JobState::available);
    CHECK(db.storage->expire(10) == 0);
}

STORAGE_TEST("expire: jobs that wait for their time expire too, running ones do not")
{
    NewJob later = expiring();
    later.run_in = 1h;
    const JobId scheduled = db.enqueue(later);
    const JobId running = db.enqueue(expiring());
    const ClaimedJob job = db.claim_one(alice);
    REQUIRE(job.token.job == running);
    db.backend->let_expire(scheduled);
    db.backend->let_expire(running);

    CHECK(db.storage->expire(10) == 1);

    CHECK(db.state(scheduled) == JobState::cancelled);
    CHECK(db.state(running) == JobState::running);
    CHECK(db.settle(job, succeeded()) == Settled::applied);
}

STORAGE_TEST("expire: at most as many as asked for")
{
    for (int i = 0; i < 5; ++i) {
        db.backend->let_expire(db.enqueue(expiring()));
    }

    CHECK(db.storage->expire(3) == 3);
    CHECK(db.storage->expire(3) == 2);
    CHECK(db.storage->expire(3) == 0);
}

STORAGE_TEST("expire: a job's attempts stay on record, and its key is free")
{
    NewJob keyed = expiring();
    keyed.unique_key = "key";
    const JobId id = db.enqueue(keyed);
    REQUIRE(db.settle(db.claim_one(alice), ended(RunEnd::failed, "boom")) == Settled::applied);
    db.backend->let_expire(id);

    CHECK(db.storage->expire(10) == 1);

    CHECK(db.outcomes(id) == std::vector<std::string>{"failed"});
    CHECK_FALSE(db.enqueue_on_conflict(keyed, OnConflict::skip)[0].existing);
}

STORAGE_TEST("expire: retention is the kind's")
{
    KindPolicy kept_for_ever = policy_of("report");
    kept_for_ever.keep.reset();
    KindPolicy not_kept = policy_of("email");
    not_kept.keep = 0ms;
    const std::vector policies{kept_for_ever, not_kept};
    db.storage->publish_kinds(policies, "tests");
    NewJob report = expiring();
    report.kind = "report";
    const JobId stays = db.enqueue(report);
    const JobId goes = db.enqueue(expiring());
    db.backend->let_expire(stays);
    db.backend->let_expire(goes);

    CHECK(db.storage->expire(10) == 2);

    CHECK(db.state(stays) == JobState::cancelled);
    CHECK(db.backend->row("SELECT keep_until FROM history") == "infinity");
    CHECK_FALSE(db.storage->find(goes).has_value());
}
