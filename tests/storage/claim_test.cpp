#include "storage/storage_fixture.hpp"

#include <algorithm>
#include <set>
#include <thread>

using namespace jobrunner;
using namespace jobrunner::tests;

namespace {

std::vector<JobId> ids_of(const std::vector<ClaimedJob>& jobs)
{
    std::vector<JobId> ids;
    for (const auto& job : jobs) {
        ids.push_back(job.token.job);
    }
    return ids;
}

} // namespace

STORAGE_TEST("claim: takes a job, charges an attempt and raises its fence")
{
    NewJob wanted{.kind = "email", .args = R"({"to": "a"})"};
    wanted.timeout = 1500ms;
    wanted.traceparent = "00-1-2-01";
    const JobId id = db.enqueue(wanted);

    const ClaimedJob job = db.claim_one(alice);

    CHECK(job.token.job == id);
    CHECK(job.token.fence == 1);
    CHECK(job.token.worker == alice);
    CHECK(job.kind == "email");
    CHECK(job.queue == "default");
    CHECK(job.attempt == 1);
    CHECK(job.attempt_limit == 3);
    CHECK(job.timeout == 1500ms);
    CHECK(job.traceparent == "00-1-2-01");
    CHECK(job.position > 0);
    const JobRow row = db.job(id);
    CHECK(row.state == JobState::running);
    CHECK(row.worker == alice);
    CHECK(row.attempt == 1);
    CHECK(row.fence == 1);
    CHECK(row.started_at.has_value());
    CHECK(row.claimed_at.has_value());
}

STORAGE_TEST("claim: the row's own attempts win over its kind's")
{
    NewJob wanted{.kind = "email"};
    wanted.max_attempts = 9;
    db.enqueue(wanted);

    CHECK(db.claim_one(alice).attempt_limit == 9);
}

STORAGE_TEST("claim: an empty queue gives nothing")
{
    CHECK(db.claim(alice, 10).empty());
}

STORAGE_TEST("claim: a job that runs is nobody else's")
{
    db.enqueue();
    static_cast<void>(db.claim_one(alice));

    CHECK(db.claim(bob, 10).empty());
}

STORAGE_TEST("claim: jobs of a lane come in the order in which they were added")
{
    const auto ids = db.enqueue_several(5);

    CHECK(ids_of(db.claim(alice, 3)) == std::vector(ids.begin(), ids.begin() + 3));
    CHECK(ids_of(db.claim(alice, 3)) == std::vector(ids.begin() + 3, ids.end()));
}

STORAGE_TEST("claim: never more than the limit, whatever the lanes")
{
    for (int priority = 0; priority < 4; ++priority) {
        NewJob job{.kind = "email"};
        job.priority = priority;
        db.enqueue_several(10, job);
    }
    ClaimRequest request = db.request(alice, 7);
    request.lanes.clear();
    for (int priority = 0; priority < 4; ++priority) {
        request.lanes.push_back({{"default", priority}, 0, 3});
    }

    const auto jobs = db.storage->claim(request);

    REQUIRE(jobs.size() == 7);
    const auto of = [&](int priority) {
        return std::count_if(
            jobs.begin(), jobs.end(), [&](const ClaimedJob& job) { return job.priority == priority; });
    };
    CHECK(of(0) == 3);
    CHECK(of(1) == 3);
    CHECK(of(2) == 1);
    CHECK(of(3) == 0);
    CHECK(db.storage->list({.states = {JobState::running}}).size() == 7);
}

STORAGE_TEST("claim: lanes are emptied in the order asked for, over queues too")
{
    NewJob mail{.kind = "email"};
    mail.queue = "mail";
    const JobId in_mail = db.enqueue(mail);
    const JobId in_default = db.enqueue();
    ClaimRequest request = db.request(alice, 1);
    request.lanes = {{{"default", 0}, 0, 1}, {{"mail", 0}, 0, 1}};

    const auto first = db.storage->claim(request);
    request.batch = 1'000'000;
    const auto second = db.storage->claim(request);

    CHECK(ids_of(first) == std::vector{in_default});
    CHECK(ids_of(second) == std::vector{in_mail});
}

STORAGE_TEST("claim: other queues and priorities than those asked for stay")
{
    NewJob elsewhere{.kind = "email"};
    elsewhere.queue = "other";
    db.enqueue(elsewhere);
    NewJob later{.kind = "email"};
    later.priority = 1;
    db.enqueue(later);

    CHECK(db.claim(alice, 10).empty());
    CHECK(db.claim(alice, 10, {"other", 0}).size() == 1);
    CHECK(db.claim(alice, 10, {"default", 1}).size() == 1);
}

STORAGE_TEST("claim: kinds that the worker does not know are left alone")
{
    const JobId unknown = db.enqueue({.kind = "mystery"});
    const JobId known = db.enqueue({.kind = "report"});

    CHECK(ids_of(db.claim(alice, 10)) == std::vector{known});
    CHECK(db.state(unknown) == JobState::available);
    CHECK(db.job(unknown).attempt == 0);
}

STORAGE_TEST("claim: a kind whose policy nobody published is left alone")
{
    const JobId id = db.enqueue({.kind = "unpublished"});
    ClaimRequest request = db.request(alice, 10);
    request.kinds.emplace_back("unpublished");

    CHECK(db.storage->claim(request).empty());
    CHECK(db.state(id) == JobState::available);
}

STORAGE_TEST("claim: required labels must all be there")
{
    NewJob gpu{.kind = "email"};
    gpu.requires_labels = {"gpu", "big"};
    const JobId id = db.enqueue(gpu);
    const auto with_labels = [&](const std::vector<std::string>& labels) {
        ClaimRequest request = db.request(alice, 10);
        request.labels = labels;
        return db.storage->claim(request);
    };

    CHECK(with_labels({}).empty());
    CHECK(with_labels({"gpu"}).empty());
    CHECK(ids_of(with_labels({"big", "other", "gpu"})) == std::vector{id});
}

STORAGE_TEST("claim: a job whose expiry has passed is not started")
{
    NewJob job{.kind = "email"};
    job.expires_at = "2099-01-01T00:00:00.000Z";
    const JobId id = db.enqueue(job);
    db.backend->let_expire(id);

    CHECK(db.claim(alice, 10).empty());
}

STORAGE_TEST("claim: a paused queue gives nothing until it is resumed; running jobs go on")
{
    const auto ids = db.enqueue_several(2);
    const ClaimedJob running = db.claim_one(alice);

    db.storage->pause_queue("default", "tester");
    CHECK(db.claim(alice, 10).empty());
    CHECK(db.settle(running, succeeded()) == Settled::applied);
    db.storage->resume_queue("default", "tester");

    CHECK(ids_of(db.claim(alice, 10)) == std::vector{ids[1]});
}

STORAGE_TEST("claim: a worker whose lease has passed takes nothing")
{
    // Whoever took its jobs back would not look for new ones.
    db.enqueue();
    db.backend->end_lease(alice);

    CHECK(db.claim(alice, 10).empty());
    static_cast<void>(db.rescue());
    CHECK(db.claim(alice, 10).empty());
    CHECK(db.claim(bob, 10).size() == 1);
}

STORAGE_TEST("claim: what a batch took is read back by its number")
{
    const auto ids = db.enqueue_several(3);
    ClaimRequest request = db.request(alice, 2);
    const auto claimed = db.storage->claim(request);
    REQUIRE(claimed.size() == 2);

    const auto again = db.storage->claimed_in(alice, request.batch);

    REQUIRE(again.size() == 2);
    for (std::size_t i = 0; i < 2; ++i) {
        CHECK(again[i].token == claimed[i].token);
        CHECK(again[i].args == claimed[i].args);
        CHECK(again[i].attempt == claimed[i].attempt);
        CHECK(again[i].attempt_limit == claimed[i].attempt_limit);
        CHECK(again[i].position == claimed[i].position);
    }
    CHECK(db.storage->claimed_in(alice, request.batch + 1).empty());
    CHECK(db.storage->claimed_in(bob, request.batch).empty());
}

STORAGE_TEST("claim: a batch read back holds only what its worker still runs")
{
    db.enqueue_several(2);
    ClaimRequest request = db.request(alice, 2);
    const auto claimed = db.storage->claim(request);
    REQUIRE(claimed.size() == 2);
    REQUIRE(db.settle(claimed[0], succeeded()) == Settled::applied);

    CHECK(ids_of(db.storage->claimed_in(alice, request.batch)) == std::vector{claimed[1].token.job});

    const std::vector settlements{db.decision(claimed[1], succeeded())};
    const std::vector done{request.batch};
    CHECK(db.storage->settle(settlements, alice, done) == std::vector{Settled::applied});
    CHECK(db.storage->claimed_in(alice, request.batch).empty());
    CHECK(db.backend->row("SELECT count(*) FROM claims") == "0");
}

STORAGE_TEST("claim: a job that another transaction holds is passed over")
{
    const auto ids = db.enqueue_several(3);
    const auto other = db.open();

    const auto mine = db.claim(alice, 1);
    ClaimRequest theirs = db.request(bob, 10);

    CHECK(ids_of(mine) == std::vector{ids[0]});
    CHECK(ids_of(other->claim(theirs)) == std::vector{ids[1], ids[2]});
}

STORAGE_TEST("claim: two workers at once never share a job")
{
    constexpr std::size_t jobs = 400;
    db.enqueue_several(jobs);
    std::vector<ClaimedJob> taken[2];
    std::string failures[2];

    {
        std::vector<std::jthread> workers;
        for (const int which : {0, 1}) {
            workers.emplace_back([&, which] {
                try {
                    const auto storage = db.open();
                    ClaimRequest request = db.request(which == 0 ? alice : bob, 7);
                    request.batch = 1'000'000 * (which + 1);
                    for (int empty = 0; empty < 3;) {
                        ++request.batch;
                        const auto got = storage->claim(request);
                        empty = got.empty() ? empty + 1 : 0;
                        taken[which].insert(taken[which].end(), got.begin(), got.end());
                    }
                } catch (const std::exception& failure) {
                    failures[which] = failure.what();
                }
            });
        }
    }

    CHECK(failures[0].empty());
    CHECK(failures[1].empty());
    std::set<JobId> distinct;
    for (const auto& some : taken) {
        for (const auto& job : some) {
            distinct.insert(job.token.job);
            CHECK(job.token.fence == 1);
        }
    }
    CHECK(distinct.size() == jobs);
    CHECK(taken[0].size() + taken[1].size() == jobs);
}
