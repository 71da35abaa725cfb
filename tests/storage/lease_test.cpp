#include "storage/storage_fixture.hpp"

#include <algorithm>

using namespace jobrunner;
using namespace jobrunner::tests;

namespace {

WorkerRow worker(StorageFixture& db, WorkerId id)
{
    for (const auto& row : db.storage->workers()) {
        if (row.id == id) {
            return row;
        }
    }
    FAIL("no such worker");
    return {};
}

} // namespace

STORAGE_TEST("worker: registering makes it known with a lease")
{
    WorkerRecord record;
    record.id = 4711;
    record.lease = 10s;
    record.pid = 99;
    record.slots = 20;
    record.name = "big one";
    record.host = "db-7";
    record.version = "0.1.0";
    record.labels = {"gpu", "a,\"b\""};
    record.queues = {"mail"};
    record.kinds = {"email"};

    db.storage->register_worker(record);

    const WorkerRow row = worker(db, 4711);
    CHECK(row.name == "big one");
    CHECK(row.host == "db-7");
    CHECK(row.pid == 99);
    CHECK(row.slots == 20);
    CHECK(row.version == "0.1.0");
    CHECK(row.state == "running");
    CHECK(row.running == 0);
    CHECK(row.labels == record.labels);
    CHECK(row.queues == record.queues);
    CHECK(row.kinds == record.kinds);
    CHECK(row.lease_until > row.heartbeat_at);
}

STORAGE_TEST("worker: an id is registered once")
{
    const Error error = db.error_of([&] { db.register_worker(alice); });

    CHECK(error.kind() == ErrorKind::refused);
}

STORAGE_TEST("heartbeat: extends the lease and says what the worker does")
{
    db.backend->age_workers(0h);
    const WorkerRow before = worker(db, alice);

    CHECK(db.storage->heartbeat({.worker = alice, .state = WorkerState::quiet, .running = 7}));

    const WorkerRow after = worker(db, alice);
    CHECK(after.state == "quiet");
    CHECK(after.running == 7);
    CHECK(after.lease_until >= before.lease_until);
    CHECK(db.storage->heartbeat({.worker = alice, .state = WorkerState::stopping, .running = 0}));
    CHECK(worker(db, alice).state == "stopping");
}

STORAGE_TEST("heartbeat: a look carries one, and without one leaves the worker as it was")
{
    CHECK_FALSE(db.storage->probe({}).beaten);
    CHECK(worker(db, alice).running == 0);

    ProbeRequest look;
    look.beat = Heartbeat{.worker = alice, .state = WorkerState::running, .running = 7};
    CHECK(db.storage->probe(look).beaten);
    CHECK(worker(db, alice).running == 7);
    CHECK(worker(db, bob).running == 0);

    db.backend->end_lease(alice);
    CHECK_FALSE(db.storage->probe(look).beaten);
    CHECK(db.storage->probe(look).lost_workers);
}

STORAGE_TEST("heartbeat: what is wrong with a worker stands until something else is said")
{
    CHECK(worker(db, alice).report == "{}");

    REQUIRE(db.storage->heartbeat({.worker = alice, .report = R"({"held_back": []})"}));
    REQUIRE(db.storage->heartbeat({.worker = alice}));
    CHECK(worker(db, alice).report == R"({"held_back": []})");
    CHECK(worker(db, bob).report == "{}");

    REQUIRE(db.storage->heartbeat({.worker = alice, .report = "{}"}));
    CHECK(worker(db, alice).report == "{}");
}

STORAGE_TEST("heartbeat: a lease that has passed is never revived")
{
    db.backend->end_lease(alice);

    CHECK_FALSE(db.storage->heartbeat({.worker = alice}));
    CHECK_FALSE(db.storage->heartbeat({.worker = alice}));
    CHECK(worker(db, alice).state == "lost");
    CHECK(db.storage->heartbeat({.worker = bob}));
}

STORAGE_TEST("heartbeat: a worker that nobody knows has no lease")
{
    CHECK_FALSE(db.storage->heartbeat({.worker = 123'456}));
}

STORAGE_TEST("heartbeat: a worker that retired has no lease")
{
    db.storage->retire_worker(alice);

    CHECK_FALSE(db.storage->heartbeat({.worker = alice}));
    CHECK(worker(db, alice).state == "stopped");
}

STORAGE_TEST("abandoned: nothing while all leases stand")
{
    db.enqueue();
    static_cast<void>(db.claim_one(alice));

    CHECK(db.storage->abandoned(10).empty());
}

STORAGE_TEST("abandoned: a lost worker's jobs are named with what decides about them")
{
    NewJob job{.kind = "report"};
    job.max_attempts = 5;
    const JobId id = db.enqueue(job);
    const ClaimedJob claimed = db.claim_one(alice);
    db.backend->end_lease(alice);

    const auto found = db.storage->abandoned(10);

    REQUIRE(found.size() == 1);
    CHECK(found[0].token == claimed.token);
    CHECK(found[0].token.job == id);
    CHECK(found[0].kind == "report");
    CHECK(found[0].attempt == 1);
    CHECK(found[0].attempt_limit == 5);
    CHECK(found[0].crashes == 0);
    CHECK(found[0].retry_delay == 1s);
}

STORAGE_TEST("abandoned: the first crash runs again at once and costs its attempt")
{
    const JobId id = db.enqueue();
    static_cast<void>(db.claim_one(alice));
    db.backend->end_lease(alice);

    CHECK(db.rescue() == std::vector{id});

    const ClaimedJob again = db.claim_one(bob);
    CHECK(again.token.job == id);
    CHECK(again.attempt == 2);
    CHECK(again.crashes == 1);
    CHECK(db.outcomes(id) == std::vector<std::string>{"crashed"});
    CHECK(worker(db, alice).state == "gone");
}

STORAGE_TEST("abandoned: a job that kills every worker is dead after its attempts")
{
    const JobId id = db.enqueue();
    for (WorkerId killed = 1001; killed <= 1003; ++killed) {
        db.register_worker(killed);
        static_cast<void>(db.claim_one(killed));
        db.backend->end_lease(killed);
        CHECK(db.rescue() == std::vector{id});
        if (db.state(id) == JobState::retryable) {
            db.backend->bring_forward(id, 1h);
            static_cast<void>(db.storage->promote(10));
        }
    }

    CHECK(db.state(id) == JobState::dead);
    CHECK(db.outcomes(id) == std::vector<std::string>{"crashed", "crashed", "crashed"});
}

STORAGE_TEST("abandoned: at most as many as asked for, and none is forgotten")
{
    db.enqueue_several(7);
    REQUIRE(db.claim(alice, 7).size() == 7);
    db.backend->end_lease(alice);

    CHECK(db.storage->abandoned(3).size() == 3);
    CHECK(db.rescue().size() == 7);
    CHECK(db.storage->abandoned(10).empty());
}

STORAGE_TEST("abandoned: other workers keep their jobs")
{
    db.enqueue_several(2);
    const ClaimedJob hers = db.claim_one(alice);
    const ClaimedJob his = db.claim_one(bob);
    db.backend->end_lease(alice);

    CHECK(db.rescue() == std::vector{hers.token.job});
    CHECK(db.settle(his, succeeded()) == Settled::applied);
}

STORAGE_TEST("abandoned: a kind that no configuration here knows is rescued too")
{
    const KindPolicy policy = policy_of("theirs");
    db.storage->publish_kinds({&policy, 1}, "elsewhere");
    const JobId id = db.enqueue({.kind = "theirs"});
    ClaimRequest request = db.request(alice, 1);
    request.kinds = {"theirs"};
    REQUIRE(db.storage->claim(request).size() == 1);
    db.backend->end_lease(alice);

    CHECK(db.rescue() == std::vector{id});
    CHECK(db.state(id) == JobState::available);
}

STORAGE_TEST("abandoned: a job its worker settles in the meantime is not taken back")
{
    const JobId id = db.enqueue();
    const ClaimedJob job = db.claim_one(alice);
    db.backend->end_lease(alice);
    const auto found = db.storage->abandoned(10);
    REQUIRE(found.size() == 1);
    REQUIRE(db.settle(job, succeeded()) == Settled::applied);

    const Settlement late = decide_abandoned(found[0]);

    CHECK(db.storage->settle({&late, 1}, bob, {})[0] != Settled::applied);
    CHECK(db.state(id) == JobState::completed);
}

STORAGE_TEST("retire: a worker that holds nothing is stopped and never lost")
{
    db.enqueue();
    REQUIRE(db.settle(db.claim_one(alice), succeeded()) == Settled::applied);

    db.storage->retire_worker(alice);

    CHECK(worker(db, alice).state == "stopped");
    CHECK(db.storage->abandoned(10).empty());
    CHECK(worker(db, alice).state == "stopped");
    CHECK(db.claim(alice, 10).empty());
}

STORAGE_TEST("retire: jobs left behind are somebody else's at once")
{
    const auto ids = db.enqueue_several(2);
    const auto jobs = db.claim(alice, 2);
    REQUIRE(db.settle(jobs[0], succeeded()) == Settled::applied);

    db.storage->retire_worker(alice);

    CHECK(db.rescue() == std::vector{ids[1]});
    CHECK(db.claim_one(bob).token.job == ids[1]);
}

STORAGE_TEST("retire: an unknown worker is no error")
{
    CHECK_NOTHROW(db.storage->retire_worker(999));
}

STORAGE_TEST("kinds: publishing again replaces what was said")
{
    KindPolicy policy = policy_of("email");
    policy.max_attempts = 11;
    db.storage->publish_kinds({&policy, 1}, "tests");

    db.enqueue();

    CHECK(db.claim_one(alice).attempt_limit == 11);
}

STORAGE_TEST("tidy: workers long gone are cleared, those with a lease stay")
{
    db.storage->retire_worker(alice);
    db.backend->age_workers(72h);
    db.register_worker(5);

    db.storage->tidy({});

    const auto workers = db.storage->workers();
    CHECK(std::none_of(workers.begin(), workers.end(), [](const WorkerRow& row) { return row.id == alice; }));
    CHECK(worker(db, 5).state == "running");
}

STORAGE_TEST("tidy: a worker that was cleared up and holds a job all the same is lost again")
{
    const JobId id = db.enqueue();
    const ClaimedJob job = db.claim_one(alice);
    db.backend->run_sql("UPDATE workers SET state = 'gone' WHERE id = " + std::to_string(alice));
    db.backend->end_lease(alice);

    db.storage->tidy({});

    CHECK(db.rescue() == std::vector{id});
    CHECK(db.settle(job, succeeded()) == Settled::lost);
}

STORAGE_TEST("abandoned: a job that its worker gave back and took again is named once")
{
    db.enqueue_several(2);
    const auto jobs = db.claim(alice, 2);
    REQUIRE(db.settle(jobs[0], ended(RunEnd::released)) == Settled::applied);
    const ClaimedJob again = db.claim_one(alice);
    REQUIRE(again.token.job == jobs[0].token.job);
    db.backend->end_lease(alice);

    const auto found = db.storage->abandoned(10);

    REQUIRE(found.size() == 2);
    CHECK(found[0].token == again.token);
    CHECK(found[1].token == jobs[1].token);
}
