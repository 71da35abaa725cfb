// Jobs that wait for other jobs, and batches.
#include "storage/storage_fixture.hpp"

#include <algorithm>

using namespace jobrunner;
using namespace jobrunner::tests;

namespace {

NewJob after(std::vector<JobId> parents, const std::string& on_failure = "cancel")
{
    NewJob job{.kind = "email"};
    job.depends_on = std::move(parents);
    job.on_dependency_failure = on_failure;
    return job;
}

NewJob in_series(const std::string& key = "account 7")
{
    NewJob job{.kind = "email"};
    job.serial_key = key;
    return job;
}

NewJob member(BatchId batch)
{
    NewJob job{.kind = "email"};
    job.batch_id = batch;
    return job;
}

// What a worker's look does.
void look(StorageFixture& db)
{
    // Once more: a note can leave another one.
    for (int round = 0; round < 5 && db.storage->probe({}).gates; ++round) {
        static_cast<void>(db.storage->pass_gates(1000));
    }
    CHECK_FALSE(db.storage->probe({}).gates);
}

std::vector<JobId> runnable(StorageFixture& db)
{
    look(db);
    JobFilter filter;
    filter.states = {JobState::available};
    std::vector<JobId> ids;
    for (const auto& job : db.storage->list(filter)) {
        ids.push_back(job.id);
    }
    std::sort(ids.begin(), ids.end());
    return ids;
}

void complete(StorageFixture& db, JobId id, const std::optional<std::string>& result = std::nullopt)
{
    look(db);
    for (const auto& job : db.claim(alice, 100)) {
        REQUIRE(db.settle(job, job.token.job == id ? succeeded(result) : ended(RunEnd::released)) ==
            Settled::applied);
    }
    REQUIRE(db.state(id) == JobState::completed);
}

BatchRow batch(StorageFixture& db, BatchId id)
{
    const auto rows = db.storage->batches(id, 10);
    REQUIRE(rows.size() == 1);
    return rows[0];
}

NewBatch with_callbacks(bool sealed)
{
    NewBatch made{.name = "month"};
    made.on_success = R"({"kind": "report", "queue": "success", "args": {"a": 1}})";
    made.on_complete = R"({"kind": "report", "queue": "complete"})";
    made.on_death = R"({"kind": "report", "queue": "death"})";
    made.sealed = sealed;
    return made;
}

// The queues of the callbacks that were enqueued, in alphabetical order.
std::vector<std::string> called(StorageFixture& db)
{
    JobFilter filter;
    filter.kind = "report";
    std::vector<std::string> queues;
    for (const auto& job : db.storage->list(filter)) {
        queues.push_back(job.queue);
    }
    std::sort(queues.begin(), queues.end());
    return queues;
}

using Words = std::vector<std::string>;
using Ids = std::vector<JobId>;

} // namespace

STORAGE_TEST("depends_on: a job runs when all its parents have completed, and can read their results")
{
    const JobId a = db.enqueue();
    const JobId b = db.enqueue();
    const JobId child = db.enqueue(after({a, b}));
    CHECK(db.state(child) == JobState::blocked);
    CHECK(runnable(db) == Ids{a, b});

    complete(db, a, R"({"sum": 1.10})");
    CHECK(runnable(db) == Ids{b});
    complete(db, b);

    CHECK(runnable(db) == Ids{child});
    const auto parents = db.storage->parents(child);
    REQUIRE(parents.size() == 2);
    CHECK(parents[0].state == "completed");
    CHECK(parents[0].result.value_or("").find("1.10") != std::string::npos);
    CHECK(parents[1].met);
    complete(db, child);
    CHECK(db.storage->parents(child).size() == 2);
}

STORAGE_TEST("depends_on: parents that finished before count as they finished")
{
    const JobId good = db.enqueue();
    complete(db, good);
    const JobId bad = db.enqueue();
    REQUIRE(db.act(JobAction::cancel, bad).result == ActionResult::done);

    const JobId fine = db.enqueue(after({good, good}));
    const JobId lost = db.enqueue(after({good, bad}));
    const JobId anyway = db.enqueue(after({bad}, "run"));

    CHECK(runnable(db) == Ids{fine, anyway});
    CHECK(db.state(lost) == JobState::cancelled);
    CHECK(db.job(lost).reason == "job " + std::to_string(bad) + ", on which it depends, is cancelled");
}

STORAGE_TEST("depends_on: a failure cancels the children and theirs, lets run, or blocks until it is mended")
{
    const JobId parent = db.enqueue();
    const JobId child = db.enqueue(after({parent}));
    const JobId grandchild = db.enqueue(after({child}));
    const JobId anyway = db.enqueue(after({parent}, "run"));
    const JobId patient = db.enqueue(after({parent}, "block"));
    look(db);

    db.bury(parent);

    CHECK(runnable(db) == Ids{anyway});
    CHECK(db.state(child) == JobState::cancelled);
    CHECK(db.state(grandchild) == JobState::cancelled);
    CHECK(
        db.job(grandchild).reason == "job " + std::to_string(child) + ", on which it depends, is cancelled");
    CHECK(db.state(patient) == JobState::blocked);
    CHECK(db.storage->parents(patient)[0].state == "dead");

    REQUIRE(db.act(JobAction::retry, parent).result == ActionResult::done);
    complete(db, parent);
    CHECK(runnable(db) == Ids{anyway, patient});
}

STORAGE_TEST("depends_on: a cancelled child that is retried waits for parents that are unfinished again")
{
    const JobId parent = db.enqueue();
    const JobId child = db.enqueue(after({parent}));
    db.bury(parent);
    look(db);
    REQUIRE(db.state(child) == JobState::cancelled);

    REQUIRE(db.act(JobAction::retry, parent).result == ActionResult::done);
    REQUIRE(db.act(JobAction::retry, child).result == ActionResult::done);
    CHECK(runnable(db) == Ids{parent});
    complete(db, parent);
    CHECK(runnable(db) == Ids{child});

    REQUIRE(db.act(JobAction::cancel, child).result == ActionResult::done);
    REQUIRE(db.act(JobAction::retry, child).result == ActionResult::done);
    CHECK(runnable(db) == Ids{child});
}

STORAGE_TEST("depends_on: an id found nowhere, one's own and a later one are refused")
{
    const JobId parent = db.enqueue();

    for (const JobId wrong : {parent + 1, parent + 2, JobId{0}, JobId{-1}}) {
        const Error error = db.error_of([&] { db.enqueue(after({parent, wrong})); });
        CHECK(error.kind() == ErrorKind::refused);
        CHECK(std::string(error.what()).find("depends_on") != std::string::npos);
    }
    CHECK(db.storage->list({}).size() == 1);
}

STORAGE_TEST("depends_on: a child that is deleted or cancelled first does not come back")
{
    const JobId parent = db.enqueue();
    const JobId gone = db.enqueue(after({parent}));
    const JobId cancelled = db.enqueue(after({parent}));
    look(db);
    REQUIRE(db.act(JobAction::remove, gone).result == ActionResult::done);
    REQUIRE(db.act(JobAction::cancel, cancelled).result == ActionResult::done);

    complete(db, parent);

    CHECK(runnable(db).empty());
    CHECK(db.storage->parents(gone).empty());
    CHECK(db.storage->parents(cancelled).size() == 1);
}

STORAGE_TEST("depends_on: ten thousand parents")
{
    const auto parents = db.enqueue_several(2000);
    std::vector<JobId> all = parents;
    for (int i = 0; i < 4; ++i) {
        const auto more = db.enqueue_several(2000);
        all.insert(all.end(), more.begin(), more.end());
    }
    const JobId child = db.enqueue(after(all));
    look(db);
    std::size_t done = 0;
    for (auto jobs = db.claim(alice, 1000); !jobs.empty(); jobs = db.claim(alice, 1000)) {
        std::vector<Settlement> ends;
        for (const auto& job : jobs) {
            CHECK(job.token.job != child);
            ends.push_back(db.decision(job, succeeded()));
        }
        static_cast<void>(db.storage->settle(ends, alice, {}));
        done += jobs.size();
        look(db);
        if (done == all.size()) {
            break;
        }
    }
    CHECK(done == all.size());
    CHECK(runnable(db) == Ids{child});
}

STORAGE_TEST("serial_key: one at a time, in order, each key by itself")
{
    const JobId a1 = db.enqueue(in_series("a"));
    const JobId b1 = db.enqueue(in_series("b"));
    const JobId a2 = db.enqueue(in_series("a"));
    const JobId a3 = db.enqueue(in_series("a"));
    const JobId free = db.enqueue();

    CHECK(runnable(db) == Ids{a1, b1, free});
    complete(db, a1);
    CHECK(runnable(db) == Ids{b1, a2, free});
    complete(db, b1);
    complete(db, a2);
    CHECK(runnable(db) == Ids{a3, free});
    complete(db, a3);
    const JobId a4 = db.enqueue(in_series("a"));
    CHECK(runnable(db) == Ids{free, a4});
}

STORAGE_TEST("serial_key: a failed, scheduled or blocked job holds those behind it back, a dead one does not")
{
    const JobId first = db.enqueue(in_series());
    const JobId second = db.enqueue(in_series());
    look(db);
    const auto job = db.claim_one(alice);
    REQUIRE(db.settle(job, ended(RunEnd::failed, "boom")) == Settled::applied);
    CHECK(runnable(db).empty());
    CHECK(db.state(first) == JobState::retryable);

    db.backend->bring_forward(first, 1h);
    static_cast<void>(db.storage->promote(10));
    db.bury(first);
    CHECK(runnable(db) == Ids{second});
    complete(db, second);

    NewJob later = in_series();
    later.run_in = 1h;
    const JobId scheduled = db.enqueue(later);
    const JobId behind = db.enqueue(in_series());
    CHECK(runnable(db).empty());
    CHECK(db.state(scheduled) == JobState::scheduled);
    REQUIRE(db.act(JobAction::cancel, scheduled).result == ActionResult::done);
    CHECK(runnable(db) == Ids{behind});
    complete(db, behind);

    const JobId parent = db.enqueue();
    NewJob waiting = after({parent});
    waiting.serial_key = "account 7";
    const JobId blocked = db.enqueue(waiting);
    const JobId last = db.enqueue(in_series());
    CHECK(runnable(db) == Ids{parent});
    complete(db, parent);
    CHECK(runnable(db) == Ids{blocked});
    complete(db, blocked);
    CHECK(runnable(db) == Ids{last});
}

STORAGE_TEST("serial_key: a job that is deleted, cancelled or retried while others wait")
{
    const JobId first = db.enqueue(in_series());
    const JobId second = db.enqueue(in_series());
    const JobId third = db.enqueue(in_series());
    CHECK(runnable(db) == Ids{first});
    REQUIRE(db.act(JobAction::cancel, second).result == ActionResult::done);
    CHECK(runnable(db) == Ids{first});
    REQUIRE(db.act(JobAction::remove, first).result == ActionResult::done);
    CHECK(runnable(db) == Ids{third});

    // It was there before, but the turn is given away.
    REQUIRE(db.act(JobAction::retry, second).result == ActionResult::done);
    CHECK(runnable(db) == Ids{third});
    complete(db, third);
    CHECK(runnable(db) == Ids{second});
}

STORAGE_TEST("serial_key: jobs of a lost worker keep their turn")
{
    const JobId first = db.enqueue(in_series());
    db.enqueue(in_series());
    look(db);
    REQUIRE(db.claim_one(bob).token.job == first);
    db.backend->end_lease(bob);
    REQUIRE(db.rescue() == Ids{first});
    db.backend->bring_forward(first, 1h);
    static_cast<void>(db.storage->promote(10));

    CHECK(runnable(db) == Ids{first});
}

STORAGE_TEST("batch: finishes when it is sealed and its members have, and calls back once")
{
    const BatchId id = db.storage->create_batch(with_callbacks(false));
    const JobId a = db.enqueue(member(id));
    const JobId b = db.enqueue(member(id));
    CHECK(batch(db, id).state == "open");
    CHECK(batch(db, id).unfinished == 2);
    complete(db, a);
    complete(db, b);
    look(db);
    CHECK(batch(db, id).finished_at == std::nullopt);
    CHECK(called(db).empty());
    const JobId c = db.enqueue(member(id));

    REQUIRE(db.storage->seal_batch(id));
    look(db);
    CHECK(batch(db, id).state == "sealed");
    CHECK(batch(db, id).eta.has_value());
    complete(db, c);
    look(db);

    const auto row = batch(db, id);
    CHECK(row.state == "finished");
    CHECK(row.completed == 3);
    CHECK(row.succeeded_at.has_value());
    CHECK_FALSE(row.died_at.has_value());
    CHECK(called(db) == Words{"complete", "success"});
    JobFilter success;
    success.queue = "success";
    const auto args = db.storage->list(success).at(0).args;
    CHECK(args.find(std::to_string(id)) != std::string::npos);
    CHECK(args.find("\"a\"") != std::string::npos);
    CHECK(db.error_of([&] { db.enqueue(member(id)); }).kind() == ErrorKind::refused);
    REQUIRE(db.storage->seal_batch(id));
    look(db);
    CHECK(called(db).size() == 2);
    CHECK_FALSE(db.storage->seal_batch(id + 1));
}

STORAGE_TEST("batch: a death is told at once, and success only when the dead have been retried and completed")
{
    const BatchId id = db.storage->create_batch(with_callbacks(true));
    look(db);
    CHECK(called(db) == Words{"complete", "success"});
    CHECK(batch(db, id).state == "finished"); // sealed and empty

    const BatchId open = db.storage->create_batch(with_callbacks(false));
    const JobId bad = db.enqueue(member(open));
    const JobId good = db.enqueue(member(open));
    REQUIRE(db.storage->seal_batch(open));
    db.bury(bad);
    look(db);
    CHECK(batch(db, open).died_at.has_value());
    CHECK(called(db) == Words{"complete", "death", "success"}); // two are of the first batch
    complete(db, good);
    look(db);
    CHECK(batch(db, open).state == "finished");
    CHECK_FALSE(batch(db, open).succeeded_at.has_value());
    CHECK(called(db) == Words{"complete", "complete", "death", "success"});

    REQUIRE(db.act(JobAction::retry, bad).result == ActionResult::done);
    CHECK(batch(db, open).dead == 0);
    CHECK(batch(db, open).unfinished == 1);
    complete(db, bad);
    look(db);
    CHECK(batch(db, open).succeeded_at.has_value());
    CHECK(called(db) == Words{"complete", "complete", "death", "success", "success"});
}

STORAGE_TEST("batch: one within another")
{
    const BatchId outer = db.storage->create_batch(with_callbacks(true));
    // It was empty and sealed, but had not been looked at.
    NewBatch inner{.name = "inner"};
    inner.parent = outer;
    const BatchId id = db.storage->create_batch(inner);
    const JobId job = db.enqueue(member(id));
    look(db);
    CHECK(batch(db, outer).state == "sealed");
    REQUIRE(db.storage->seal_batch(id));
    complete(db, job);
    look(db);

    CHECK(batch(db, id).state == "finished");
    CHECK(batch(db, outer).state == "finished");
    CHECK(called(db) == Words{"complete", "success"});
    inner.parent = outer;
    CHECK(db.error_of([&] { static_cast<void>(db.storage->create_batch(inner)); }).kind() ==
        ErrorKind::refused);
}

STORAGE_TEST("batch: a callback that cannot be enqueued is named, and stops nothing")
{
    NewBatch made{.name = "m"};
    made.on_complete = R"({"kind": "", "args": {}})";
    made.on_success = R"({"kind": "report", "queue": "success"})";
    made.sealed = true;
    const BatchId id = db.storage->create_batch(made);
    look(db);

    CHECK(batch(db, id).state == "finished");
    CHECK(batch(db, id).problem.value_or("").find("on_complete") != std::string::npos);
    CHECK(called(db) == Words{"success"});
    CHECK(db.error_of([&] { static_cast<void>(db.storage->create_batch({.on_death = "[5]"})); }).kind() ==
        ErrorKind::refused);
}

STORAGE_TEST("batch: its jobs can be listed, and cancelled members keep it from success")
{
    const BatchId id = db.storage->create_batch(with_callbacks(false));
    const JobId a = db.enqueue(member(id));
    db.enqueue();
    JobFilter filter;
    filter.batch = id;
    REQUIRE(db.storage->list(filter).size() == 1);
    CHECK(db.storage->list(filter)[0].id == a);

    REQUIRE(db.act(JobAction::cancel, a).result == ActionResult::done);
    REQUIRE(db.storage->seal_batch(id));
    look(db);
    CHECK(batch(db, id).cancelled == 1);
    CHECK(called(db) == Words{"complete"});
}

STORAGE_TEST("wait facts: what stands between a job and its run")
{
    NewJob wanted{.kind = "email"};
    wanted.queue = "slow";
    wanted.requires_labels = {"gpu"};
    wanted.serial_key = "s";
    const JobId first = db.enqueue(in_series("s"));
    const JobId id = db.enqueue(wanted);
    look(db);
    db.storage->pause_queue("slow", "tester");

    const auto facts = db.storage->wait_facts(id);
    REQUIRE(facts.has_value());
    CHECK(facts->queue_paused);
    CHECK(facts->workers == 2);
    CHECK(facts->workers_of_queue == 2);
    CHECK(facts->workers_able == 0);
    CHECK(facts->requires_labels == Words{"gpu"});
    CHECK(facts->turn == first);
    CHECK(facts->turn_state == "available");
    CHECK(facts->due);
    CHECK_FALSE(db.storage->wait_facts(id + 100).has_value());

    db.enqueue({.kind = "email"});
    const JobId behind = db.enqueue({.kind = "email"});
    CHECK(db.storage->wait_facts(behind)->ahead == 2);
}
