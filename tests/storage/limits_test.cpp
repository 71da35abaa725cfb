// Limits on what runs and on what starts.
#include "storage/storage_fixture.hpp"

#include <set>
#include <thread>

using namespace jobrunner;
using namespace jobrunner::tests;

namespace {

constexpr int plenty = 100;

LimitedRequest limited_request(WorkerId worker, int limit = plenty)
{
    static std::int64_t batch = 1'000'000;
    LimitedRequest request;
    request.worker = worker;
    request.batch = ++batch;
    request.lanes = {{{"default", 0}, 0, plenty}};
    request.limit = limit;
    request.kinds = known_kinds;
    request.look_at = 1000;
    return request;
}

// Two calls: the first one counts jobs of the lane as others that wait.
std::vector<ClaimedJob> claim_limited(StorageFixture& db, WorkerId worker, int limit = plenty)
{
    auto jobs = db.storage->claim_limited(limited_request(worker, limit)).jobs;
    if (static_cast<int>(jobs.size()) < limit) {
        auto request = limited_request(worker, limit - static_cast<int>(jobs.size()));
        request.lanes.clear();
        for (auto& job : db.storage->claim_limited(request).jobs) {
            jobs.push_back(std::move(job));
        }
    }
    return jobs;
}

std::vector<JobId> ids(const std::vector<ClaimedJob>& jobs)
{
    std::vector<JobId> found;
    for (const auto& job : jobs) {
        found.push_back(job.token.job);
    }
    return found;
}

void limit(StorageFixture& db, LimitScope scope, const std::string& name, std::optional<int> at_most,
    std::optional<int> starts = {}, std::optional<Milliseconds> period = {})
{
    db.storage->set_limit(
        {.scope = scope, .name = name, .at_most = at_most, .starts = starts, .period = period}, "ann");
}

NewJob keyed(const std::string& key, const std::string& kind = "email")
{
    NewJob job{.kind = kind};
    job.concurrency_key = key;
    return job;
}

LimitRow row_of(StorageFixture& db, const std::string& name)
{
    for (const auto& row : db.storage->limits()) {
        if (row.limit.name == name) {
            return row;
        }
    }
    return {};
}

} // namespace

STORAGE_TEST("limits: the look tells of limits, and of jobs that they hold back")
{
    const ProbeRequest look{.ranges = LaneBook().ranges(true), .kinds = known_kinds};
    CHECK_FALSE(db.storage->probe(look).limits);

    limit(db, LimitScope::kind, "email", 0);
    db.enqueue();
    CHECK(db.storage->probe(look).limits);
    CHECK_FALSE(db.storage->probe(look).held);
    CHECK(claim_limited(db, alice).empty());

    CHECK(db.storage->probe(look).held);
    CHECK(db.storage->probe(look).lanes.empty());
}

STORAGE_TEST("limits: an ordinary claim leaves what is under a limit alone")
{
    limit(db, LimitScope::kind, "email", 5);
    limit(db, LimitScope::key, "customer:*", 5);
    limit(db, LimitScope::key, "one", 5);
    limit(db, LimitScope::queue, "slow", 5);
    db.enqueue();
    db.enqueue(keyed("customer:7", "report"));
    db.enqueue(keyed("one", "report"));
    const JobId free = db.enqueue(keyed("two", "report"));
    NewJob in_queue{.kind = "report"};
    in_queue.queue = "slow";
    db.enqueue(in_queue);

    CHECK(ids(db.claim(alice, 10)) == std::vector{free});
    CHECK(db.claim(alice, 10, {"slow", 0}).empty());
}

STORAGE_TEST("limits: at most so many of a kind run, whoever runs them")
{
    limit(db, LimitScope::kind, "email", 3);
    const auto jobs = db.enqueue_several(5);

    const auto first = claim_limited(db, alice, 2);
    const auto second = claim_limited(db, bob);

    CHECK(ids(first) == std::vector{jobs[0], jobs[1]});
    CHECK(ids(second) == std::vector{jobs[2]});
    CHECK(claim_limited(db, alice).empty());
    CHECK(db.state(jobs[3]) == JobState::blocked);
}

STORAGE_TEST("limits: room is free with the end of a job, however it ends")
{
    limit(db, LimitScope::kind, "email", 1);
    db.enqueue_several(6);

    for (const auto end :
        {RunEnd::succeeded, RunEnd::failed, RunEnd::snoozed, RunEnd::released, RunEnd::cancelled}) {
        const auto jobs = claim_limited(db, alice);
        REQUIRE(jobs.size() == 1);
        CHECK(claim_limited(db, bob).empty());
        REQUIRE(db.settle(jobs[0], ended(end)) == Settled::applied);
    }
    CHECK(claim_limited(db, alice).size() == 1);
}

STORAGE_TEST("limits: a lost worker's jobs count until they are taken back")
{
    limit(db, LimitScope::kind, "email", 2);
    db.enqueue_several(3);
    REQUIRE(claim_limited(db, bob).size() == 2);

    db.backend->end_lease(bob);
    CHECK(claim_limited(db, alice).empty());

    REQUIRE(db.rescue().size() == 2);
    CHECK(claim_limited(db, alice).size() == 2);
    CHECK(claim_limited(db, alice).empty());
}

STORAGE_TEST("limits: jobs that ran before the limit was set count")
{
    db.enqueue_several(3);
    REQUIRE(db.claim(alice, 2).size() == 2);

    limit(db, LimitScope::kind, "email", 2);

    CHECK(claim_limited(db, bob).empty());
}

STORAGE_TEST("limits: a limit of many keys is one for each of them")
{
    limit(db, LimitScope::key, "customer:*", 1);
    const JobId a1 = db.enqueue(keyed("customer:a"));
    db.enqueue(keyed("customer:a"));
    const JobId b1 = db.enqueue(keyed("customer:b"));
    const JobId other = db.enqueue(keyed("supplier:a"));

    const auto held = ids(claim_limited(db, alice));

    CHECK(std::set(held.begin(), held.end()) == std::set{a1, b1});
    CHECK(ids(db.claim(alice, 10)) == std::vector{other});
    CHECK(row_of(db, "customer:*").running == 2);
    CHECK(row_of(db, "customer:*").waiting == 1);
}

STORAGE_TEST("limits: a job under several limits runs only with room under each")
{
    limit(db, LimitScope::kind, "email", 5);
    limit(db, LimitScope::key, "k", 1);
    limit(db, LimitScope::queue, "default", 4);
    const JobId first = db.enqueue(keyed("k"));
    const JobId second = db.enqueue(keyed("k"));
    const auto free = db.enqueue_several(4);

    const auto jobs = claim_limited(db, alice);

    CHECK(ids(jobs) == std::vector{first, free[0], free[1], free[2]});
    REQUIRE(db.settle(jobs[0], succeeded()) == Settled::applied);
    CHECK(claim_limited(db, alice).size() == 1);
    static_cast<void>(second);
}

STORAGE_TEST("limits: jobs count for their cost")
{
    limit(db, LimitScope::kind, "email", 5);
    NewJob dear{.kind = "email"};
    dear.cost = 3;
    const auto jobs = db.enqueue_several(2, dear);
    const JobId cheap = db.enqueue();

    CHECK(ids(claim_limited(db, alice)) == std::vector{jobs[0]});
    CHECK(db.state(cheap) == JobState::blocked); // it stands behind one for which there is no room yet
    CHECK(row_of(db, "email").running == 3);
}

STORAGE_TEST("limits: at most so many start within a period, and the claim tells when to ask again")
{
    limit(db, LimitScope::kind, "email", {}, 2, 1h);
    const auto jobs = db.enqueue_several(4);

    const auto claim = db.storage->claim_limited(limited_request(alice));
    const auto first = claim.jobs.size() == 2 ? claim.jobs : claim_limited(db, alice);
    for (const auto& job : db.claim(alice, 10)) {
        FAIL("claimed beside the limit: " << job.token.job);
    }
    CHECK(row_of(db, "email").started == 2);
    for (const auto& job : first) {
        REQUIRE(db.settle(job, succeeded()) == Settled::applied);
    }

    auto request = limited_request(alice);
    request.lanes.clear();
    const auto refused = db.storage->claim_limited(request);
    CHECK(refused.jobs.empty());
    CHECK(refused.has_lines);
    REQUIRE(refused.again.has_value());
    CHECK(*refused.again > 59min);
    CHECK(*refused.again <= 1h);

    db.backend->run_sql("UPDATE limit_starts SET started_at = '2020-01-01T00:00:00.000Z'");
    CHECK(ids(claim_limited(db, alice)) == std::vector{jobs[2], jobs[3]});
    db.storage->tidy({});
    CHECK(db.backend->row("SELECT count(*) FROM limit_starts") == "1");
}

STORAGE_TEST("limits: a failed job's next attempt counts as a start of its own")
{
    limit(db, LimitScope::kind, "email", {}, 2, 1h);
    const JobId id = db.enqueue();
    for (int i = 0; i < 2; ++i) {
        const auto jobs = claim_limited(db, alice);
        REQUIRE(jobs.size() == 1);
        REQUIRE(db.settle(jobs[0], ended(RunEnd::released)) == Settled::applied);
    }
    CHECK(claim_limited(db, alice).empty());
    CHECK(db.state(id) == JobState::blocked);
}

STORAGE_TEST("limits: changed and removed ones count at once")
{
    limit(db, LimitScope::kind, "email", 1);
    const auto jobs = db.enqueue_several(5);
    REQUIRE(claim_limited(db, alice).size() == 1);

    limit(db, LimitScope::kind, "email", 3);
    CHECK(claim_limited(db, alice).size() == 2);

    CHECK_FALSE(db.storage->remove_limit(LimitScope::key, "email", "ann"));
    CHECK(db.storage->remove_limit(LimitScope::kind, "email", "ann"));
    const auto claim = db.storage->claim_limited(limited_request(alice));
    CHECK(claim.again.has_value());
    CHECK(ids(db.claim(alice, 10)) == std::vector{jobs[3], jobs[4]});
    CHECK(db.storage->limits().empty());
    CHECK(db.backend->row("SELECT count(*) FROM operator_audit WHERE actor = 'ann'") == "3");
}

STORAGE_TEST("limits: lines take turns, and within a line it is priority, then time")
{
    limit(db, LimitScope::key, "*", 0);
    NewJob urgent = keyed("b");
    urgent.priority = -1;
    const JobId of_a = db.enqueue(keyed("a"));
    const JobId second_of_b = db.enqueue(keyed("b"));
    const JobId third_of_b = db.enqueue(keyed("b"));
    const JobId first_of_b = db.enqueue(urgent);
    auto request = limited_request(alice);
    request.lanes.push_back({{"default", -1}, 0, plenty});
    REQUIRE(db.storage->claim_limited(request).moved == 4);
    limit(db, LimitScope::key, "*", plenty);

    std::vector<JobId> order;
    std::string after;
    for (int i = 0; i < 4; ++i) {
        request = limited_request(alice, 1);
        request.lanes.clear();
        request.after_line = after;
        const auto claim = db.storage->claim_limited(request);
        REQUIRE(claim.jobs.size() == 1);
        order.push_back(claim.jobs[0].token.job);
        after = claim.last_line;
    }

    CHECK(order == std::vector{of_a, first_of_b, second_of_b, third_of_b});
}

STORAGE_TEST(
    "limits: other jobs that wait go first where they are more urgent, and get half where they are not")
{
    limit(db, LimitScope::kind, "email", plenty);
    db.enqueue_several(10);
    db.enqueue_several(10, {.kind = "report"});

    const auto claim = db.storage->claim_limited(limited_request(alice, 8));
    CHECK(claim.moved == 10);
    CHECK(claim.jobs.size() == 4);

    auto request = limited_request(alice, 8);
    request.lanes = {{{"default", -5}, 0, 8}};
    CHECK(db.storage->claim_limited(request).jobs.empty());
    request = limited_request(alice, 8);
    request.lanes = {{{"default", 5}, 0, 8}};
    CHECK(db.storage->claim_limited(request).jobs.size() == 6);
}

STORAGE_TEST("limits: an ordinary claim reads no further than limited jobs were moved aside")
{
    limit(db, LimitScope::kind, "email", plenty);
    db.enqueue_several(6);
    db.enqueue_several(2, {.kind = "report"});
    db.enqueue_several(2);
    auto request = limited_request(alice, 2);
    request.look_at = 7;

    auto claim = db.storage->claim_limited(request);
    CHECK(claim.moved == 6);
    REQUIRE(claim.lanes.size() == 1);
    CHECK(claim.lanes[0].limit == 1);

    request = limited_request(alice, 1);
    request.look_at = 4;
    claim = db.storage->claim_limited(request);
    CHECK(claim.moved == 2);
    CHECK(claim.lanes.at(0).limit == 2);
}

STORAGE_TEST("limits: a worker gets what it can run, of queues that it serves and that are not paused")
{
    limit(db, LimitScope::key, "*", plenty);
    NewJob other = keyed("a");
    other.queue = "other";
    const JobId elsewhere = db.enqueue(other);
    const JobId unknown = db.enqueue(keyed("a", "unknown"));
    NewJob labelled = keyed("a");
    labelled.requires_labels = {"gpu"};
    const JobId gpu = db.enqueue(labelled);
    const JobId fitting = db.enqueue(keyed("a"));
    auto all = limited_request(bob, 1);
    all.lanes = {{{"default", 0}, 0, 9}, {{"other", 0}, 0, 9}};
    all.kinds.push_back("unknown");
    all.labels = {"gpu"};
    all.lanes[0].lane.priority = 0;
    all.queues = {"nowhere"};
    REQUIRE(db.storage->claim_limited(all).moved == 4);

    auto request = limited_request(alice);
    request.lanes.clear();
    request.queues = {"default"};
    CHECK(ids(db.storage->claim_limited(request).jobs) == std::vector{fitting});

    request = limited_request(alice);
    request.lanes.clear();
    db.storage->pause_queue("other", "ann");
    CHECK(db.storage->claim_limited(request).jobs.empty());
    db.storage->resume_queue("other", "ann");
    request.queue_room = {{"other", 0}};
    CHECK(db.storage->claim_limited(request).jobs.empty());
    request.queue_room.clear();
    CHECK(ids(db.storage->claim_limited(request).jobs) == std::vector{elsewhere});
    for (const auto id : {unknown, gpu}) {
        CHECK(db.state(id) == JobState::blocked);
    }
}

STORAGE_TEST("limits: a worker that is taken for lost gets nothing")
{
    limit(db, LimitScope::kind, "email", 5);
    db.enqueue();
    db.backend->end_lease(alice);
    CHECK(claim_limited(db, alice).empty());
    CHECK(claim_limited(db, bob).size() == 1);
}

STORAGE_TEST("limits: a claim from a line can be read back like any other")
{
    limit(db, LimitScope::kind, "email", 5);
    const auto jobs = db.enqueue_several(2);
    static_cast<void>(claim_limited(db, bob, 0 + 1));
    auto request = limited_request(alice);
    request.lanes.clear();
    REQUIRE(db.storage->claim_limited(request).jobs.size() == 1);

    CHECK(ids(db.storage->claimed_in(alice, request.batch)) == std::vector{jobs[1]});
}

STORAGE_TEST("limits: held jobs can be cancelled, edited, rescheduled and tried at once")
{
    limit(db, LimitScope::kind, "email", 0);
    const auto jobs = db.enqueue_several(4);
    REQUIRE(claim_limited(db, alice).empty());
    for (const auto id : jobs) {
        REQUIRE(db.state(id) == JobState::blocked);
    }

    CHECK(db.act(JobAction::cancel, jobs[0]).result == ActionResult::done);
    CHECK(db.act(JobAction::retry, jobs[1]).result == ActionResult::done);
    const JobCommand later{
        .action = JobAction::reschedule, .run_at = "2099-01-01T00:00:00.000Z", .actor = "ann"};
    CHECK(db.storage->act(later, std::vector{jobs[2]}).at(0).result == ActionResult::done);
    const JobCommand other{.action = JobAction::edit, .changes = R"({"kind": "report"})", .actor = "ann"};
    CHECK(db.storage->act(other, std::vector{jobs[3]}).at(0).result == ActionResult::done);

    CHECK(db.state(jobs[0]) == JobState::cancelled);
    CHECK(db.state(jobs[1]) == JobState::available);
    CHECK(db.state(jobs[2]) == JobState::scheduled);
    CHECK(ids(db.claim(alice, 10)) == std::vector{jobs[3]});
}

STORAGE_TEST("limits: held jobs expire like others")
{
    limit(db, LimitScope::kind, "email", 0);
    const JobId id = db.enqueue();
    REQUIRE(claim_limited(db, alice).empty());
    db.backend->let_expire(id);

    CHECK(db.storage->expire(10) == 1);
    CHECK(db.state(id) == JobState::cancelled);
}

STORAGE_TEST("limits: a held job keeps its serial turn, and no promise is broken")
{
    limit(db, LimitScope::kind, "email", 1);
    NewJob serial{.kind = "email"};
    serial.serial_key = "s";
    db.enqueue();
    REQUIRE(claim_limited(db, bob).size() == 1);
    const auto jobs = db.enqueue_several(2, serial);
    while (db.storage->pass_gates(100) > 0) {
    }
    REQUIRE(claim_limited(db, alice).empty());
    while (db.storage->pass_gates(100) > 0) {
    }

    CHECK(db.state(jobs[0]) == JobState::blocked);
    CHECK(db.storage->violations().empty());
    limit(db, LimitScope::kind, "email", 5);
    CHECK(ids(claim_limited(db, alice)) == std::vector{jobs[0]});
}

STORAGE_TEST("limits: what holds a job can be told, with the jobs that have its room")
{
    limit(db, LimitScope::key, "customer:*", 1, 9, 10s);
    const JobId runs = db.enqueue(keyed("customer:a"));
    const JobId waits = db.enqueue(keyed("customer:a"));
    REQUIRE(claim_limited(db, alice).size() == 1);

    const auto facts = db.storage->wait_facts(waits);

    REQUIRE(facts.has_value());
    CHECK(facts->held);
    REQUIRE(facts->limit.has_value());
    CHECK(facts->limit->scope == LimitScope::key);
    CHECK(facts->limit->name == "customer:*");
    CHECK(facts->limit->at_most == 1);
    CHECK(facts->limit->starts == 9);
    CHECK(facts->limit->period == 10s);
    CHECK(facts->holders == std::vector{std::to_string(runs)});
    CHECK_FALSE(db.storage->wait_facts(runs)->held);
}

STORAGE_TEST("limits: refuses what limits nothing, in words")
{
    const auto refusal = [&](const Limit& wrong) {
        return std::string(StorageFixture::error_of([&] { db.storage->set_limit(wrong, "ann"); }).what());
    };
    CHECK(refusal({.name = "a"}).find("at_most_or_starts must be set") != std::string::npos);
    CHECK(refusal({.name = "a", .at_most = -1}).find("at_most must be not negative") != std::string::npos);
    CHECK(refusal({.name = "a", .starts = 0, .period = 1s}).find("starts must be positive") !=
        std::string::npos);
    CHECK(
        refusal({.name = "a", .starts = 1}).find("period must be set where starts is") != std::string::npos);
    CHECK(refusal({.name = "a", .starts = 1, .period = 24h * 40}).find("31 days") != std::string::npos);
    CHECK(db.storage->limits().empty());
}

STORAGE_TEST("limits: never exceeded while several claim, settle and are lost at once")
{
    constexpr int at_most = 3;
    limit(db, LimitScope::kind, "email", at_most);
    limit(db, LimitScope::key, "k*", 2);
    for (int i = 0; i < 60; ++i) {
        db.enqueue(keyed(i % 2 == 0 ? "k1" : "k2"));
    }
    std::atomic<int> most{0};
    std::atomic<int> done{0};
    std::vector<std::string> failures(4);
    {
        std::vector<std::jthread> threads;
        for (std::size_t i = 0; i < failures.size(); ++i) {
            threads.emplace_back([&, i] {
                try {
                    const auto storage = db.open();
                    std::int64_t batch = static_cast<std::int64_t>(i + 1) * 1'000'000'000;
                    while (done < 60) {
                        auto request = limited_request(i % 2 == 0 ? alice : bob, 2);
                        request.batch = ++batch;
                        const auto claim = storage->claim_limited(request);
                        for (const auto& row : storage->limits()) {
                            if (row.limit.name == "email" && row.running > most) {
                                most = static_cast<int>(row.running);
                            }
                        }
                        for (const auto& job : claim.jobs) {
                            const Settlement settlement = db.decision(job, succeeded());
                            done += storage->settle({&settlement, 1}, job.token.worker, {}).at(0) ==
                                Settled::applied;
                        }
                    }
                } catch (const std::exception& failure) {
                    failures[i] = failure.what();
                }
            });
        }
    }
    for (const auto& failure : failures) {
        CHECK(failure.empty());
        CAPTURE(failure);
    }
    CHECK(done == 60);
    CHECK(most <= at_most);
    CHECK(most >= 1);
}
