// What people look at.
#include "storage/storage_fixture.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

using namespace jobrunner;
using namespace jobrunner::tests;

namespace {

std::vector<JobId> ids(const std::vector<JobRow>& jobs)
{
    std::vector<JobId> all;
    for (const auto& job : jobs) {
        all.push_back(job.id);
    }
    return all;
}

QueueRow queue(StorageFixture& db, const std::string& name)
{
    for (const auto& row : db.storage->queues()) {
        if (row.queue == name) {
            return row;
        }
    }
    FAIL("no such queue");
    return {};
}

// Waits until at least ten seconds of the clock's minute are left.
void wait_until_early_in_a_minute()
{
    using namespace std::chrono;
    while (system_clock::now() - floor<minutes>(system_clock::now()) > 50s) {
        std::this_thread::sleep_for(100ms);
    }
}

} // namespace

STORAGE_TEST("find: an id that is nowhere finds nothing")
{
    CHECK_FALSE(db.storage->find(1).has_value());
    CHECK_FALSE(db.storage->find(-5).has_value());
    CHECK_FALSE(db.storage->find(9'223'372'036'854'775'807).has_value());
}

STORAGE_TEST("list: pages go by id, newest first, without gap or overlap")
{
    const auto all = db.enqueue_several(10);
    REQUIRE(db.settle(db.claim_one(alice), succeeded()) == Settled::applied);
    REQUIRE(db.settle(db.claim_one(alice), ended(RunEnd::failed_for_good)) == Settled::applied);
    static_cast<void>(db.claim_one(alice));

    std::vector<JobId> seen;
    JobFilter filter{.limit = 3};
    for (auto page = db.storage->list(filter); !page.empty(); page = db.storage->list(filter)) {
        CHECK(page.size() <= 3);
        for (const auto& job : page) {
            seen.push_back(job.id);
        }
        filter.below = page.back().id;
    }

    CHECK(seen == std::vector(all.rbegin(), all.rend()));
}

STORAGE_TEST("list: every filter narrows")
{
    NewJob a{.kind = "email"};
    a.queue = "mail";
    a.tags = {"red", "big"};
    NewJob b{.kind = "report"};
    b.tags = {"red"};
    NewJob c{.kind = "email"};
    c.run_in = 1h;
    const JobId first = db.enqueue(a);
    const JobId second = db.enqueue(b);
    const JobId third = db.enqueue(c);

    CHECK(ids(db.storage->list({})) == std::vector{third, second, first});
    CHECK(ids(db.storage->list({.kind = "email"})) == std::vector{third, first});
    CHECK(ids(db.storage->list({.queue = "mail"})) == std::vector{first});
    CHECK(ids(db.storage->list({.tag = "red"})) == std::vector{second, first});
    CHECK(ids(db.storage->list({.tag = "big"})) == std::vector{first});
    CHECK(db.storage->list({.tag = "re"}).empty());
    CHECK(ids(db.storage->list({.states = {JobState::scheduled}})) == std::vector{third});
    CHECK(ids(db.storage->list({.states = {JobState::available, JobState::dead}})) ==
        std::vector{second, first});
    CHECK(ids(db.storage->list({.below = third})) == std::vector{second, first});
    CHECK(ids(db.storage->list({.limit = 1})) == std::vector{third});
    CHECK(ids(db.storage->list({.kind = "email", .queue = "mail", .tag = "red"})) == std::vector{first});
    CHECK(db.storage->list({.kind = "report", .queue = "mail"}).empty());
    CHECK(db.storage->list({.since = "2099-01-01T00:00:00.000Z"}).empty());
    CHECK(db.storage->list({.since = "2001-01-01T00:00:00.000Z"}).size() == 3);
    CHECK(db.storage->list({.since = db.job(first).created_at}).size() == 3);
}

STORAGE_TEST("list: filters see finished jobs as they see unfinished ones")
{
    NewJob wanted{.kind = "report"};
    wanted.tags = {"t"};
    const auto all = db.enqueue_several(4, wanted);
    const auto jobs = db.claim(alice, 3);
    REQUIRE(db.settle(jobs[0], succeeded()) == Settled::applied);
    REQUIRE(db.settle(jobs[1], ended(RunEnd::failed_for_good)) == Settled::applied);
    REQUIRE(db.settle(jobs[2], ended(RunEnd::cancelled)) == Settled::applied);

    CHECK(ids(db.storage->list({.states = {JobState::completed}})) == std::vector{all[0]});
    CHECK(ids(db.storage->list({.states = {JobState::dead}})) == std::vector{all[1]});
    CHECK(ids(db.storage->list({.states = {JobState::cancelled}})) == std::vector{all[2]});
    CHECK(db.storage->list({.kind = "report", .queue = "default", .tag = "t"}).size() == 4);
}

STORAGE_TEST("attempts: none for a job that is nowhere")
{
    CHECK(db.storage->attempts(123).empty());
}

STORAGE_TEST("queues: counts per state, and the age of the oldest that may run")
{
    NewJob mail{.kind = "email"};
    mail.queue = "mail";
    const auto some = db.enqueue_several(5, mail);
    mail.run_in = 1h;
    db.enqueue(mail);
    const auto jobs = db.claim(alice, 3, {"mail", 0});
    REQUIRE(jobs.size() == 3);
    REQUIRE(db.settle(jobs[0], ended(RunEnd::failed)) == Settled::applied);
    REQUIRE(db.settle(jobs[1], ended(RunEnd::failed_for_good)) == Settled::applied);
    db.backend->bring_forward(some[3], 1h);
    db.storage->pause_queue("idle", "tester");

    const QueueRow row = queue(db, "mail");

    CHECK_FALSE(row.paused);
    CHECK(row.available == 2);
    CHECK(row.scheduled == 1);
    CHECK(row.blocked == 0);
    CHECK(row.running == 1);
    CHECK(row.retryable == 1);
    CHECK(row.dead == 1);
    CHECK(row.oldest_age.value_or(0ms) >= 1h);
    CHECK(queue(db, "idle").paused);
    CHECK(queue(db, "idle").available == 0);
    CHECK_FALSE(queue(db, "idle").oldest_age.has_value());
}

STORAGE_TEST("queues: rates are those of the last whole minute")
{
    // What is counted below and when it is looked at belong to one minute of the clock.
    wait_until_early_in_a_minute();
    db.enqueue_several(3);
    for (const auto& job : db.claim(alice, 2)) {
        REQUIRE(db.settle(job, succeeded()) == Settled::applied);
    }
    REQUIRE(db.settle(db.claim_one(alice), ended(RunEnd::failed)) == Settled::applied);

    db.backend->age_statistics(1min);
    CHECK(queue(db, "default").completed_per_minute == 2);
    CHECK(queue(db, "default").failed_per_minute == 1);
    db.storage->tidy({});
    CHECK(queue(db, "default").completed_per_minute == 2);
    db.backend->age_statistics(1min);
    CHECK(queue(db, "default").completed_per_minute == 0);
}

STORAGE_TEST("dead groups: errors that differ in numbers only are one, largest first")
{
    for (int i = 0; i < 3; ++i) {
        db.bury(db.enqueue(), "row " + std::to_string(i) + " is broken");
    }
    const JobId other = db.enqueue({.kind = "report"});
    db.bury(other, "no such file");

    const auto groups = db.storage->dead_groups(10);

    REQUIRE(groups.size() == 2);
    CHECK(groups[0].kind == "email");
    CHECK(groups[0].jobs == 3);
    CHECK(groups[0].error == "row 2 is broken");
    CHECK(groups[0].fingerprint.size() == 16);
    CHECK(groups[0].newest_at.back() == 'Z');
    CHECK(groups[1].kind == "report");
    CHECK(groups[1].newest == other);
    CHECK(db.storage->dead_groups(1).size() == 1);
}

STORAGE_TEST("workers: those that live stand before those that left")
{
    db.storage->retire_worker(alice);

    const auto workers = db.storage->workers();

    REQUIRE(workers.size() == 2);
    CHECK(workers[0].id == bob);
    CHECK(workers[1].id == alice);
}
