#include "storage/storage_fixture.hpp"

#include "core/lane_book.hpp"

#include <set>

using namespace jobrunner;
using namespace jobrunner::tests;

namespace {

JobId add(StorageFixture& db, const std::string& queue, int priority, const std::string& kind = "email")
{
    NewJob job{.kind = kind};
    job.queue = queue;
    job.priority = priority;
    return db.enqueue(job);
}

ProbeRequest everything(bool fitting_only = false)
{
    return {
        .ranges = LaneBook().ranges(true), .fitting_only = fitting_only, .kinds = known_kinds, .labels = {}};
}

// Probes until the book knows every lane in which something can run.
void learn_all(StorageFixture& db, LaneBook& book, bool from_bottom = true)
{
    for (std::size_t known = 0;;) {
        ProbeRequest request = everything();
        request.ranges = book.ranges(from_bottom);
        book.learn(db.storage->probe(request).lanes);
        if (book.ranges(from_bottom).size() == known) {
            return;
        }
        known = book.ranges(from_bottom).size();
    }
}

} // namespace

STORAGE_TEST("probe: an empty database has no lanes and nothing to do")
{
    const Probe probe = db.storage->probe(everything());

    CHECK(probe.lanes.empty());
    CHECK_FALSE(probe.next_due.has_value());
    CHECK_FALSE(probe.lost_workers);
    CHECK_FALSE(probe.expired_jobs);
}

STORAGE_TEST("probe: finds the lowest lane of a range")
{
    add(db, "b", 0);
    add(db, "a", 5);
    add(db, "a", 7);

    const Probe probe = db.storage->probe(everything());

    REQUIRE_FALSE(probe.lanes.empty());
    CHECK(probe.lanes[0].lane == Lane{"a", 5});
    CHECK(probe.lanes[0].first <= probe.lanes[0].last);
}

STORAGE_TEST("probe: a range ends below its upper lane and begins above its lower one")
{
    add(db, "a", 0);
    add(db, "b", 0);
    const auto lanes_in = [&](const LaneRange& range) {
        ProbeRequest request = everything();
        request.ranges = {range};
        std::set<Lane> lanes;
        for (const auto& found : db.storage->probe(request).lanes) {
            lanes.insert(found.lane);
        }
        return lanes;
    };

    CHECK(lanes_in({{"", 0}, 0, {"a", 0}}).empty());
    CHECK(lanes_in({{"a", 0}, 0, {"b", 0}}) == std::set<Lane>{{"a", 0}});
    CHECK(lanes_in({{"a", 1}, 0, {"b", 0}}).empty());
    CHECK(lanes_in({{"a", 1}, 0, {"c", 0}}) == std::set<Lane>{{"b", 0}});
}

STORAGE_TEST("probe: several ranges are looked into at once")
{
    add(db, "a", -3);
    add(db, "b", 2);
    LaneBook book({"a", "b", "c"});
    ProbeRequest request = everything();
    request.ranges = book.ranges(true);
    REQUIRE(request.ranges.size() == 3);

    const Probe probe = db.storage->probe(request);

    REQUIRE(probe.lanes.size() == 2);
    std::set<Lane> lanes{probe.lanes[0].lane, probe.lanes[1].lane};
    CHECK(lanes == std::set<Lane>{{"a", -3}, {"b", 2}});
}

STORAGE_TEST("probe: queues are ordered by their bytes, whatever the language")
{
    for (const auto* queue : {"Zebra", "apple", "Äpfel", "\xF0\x9F\x90\x98"}) {
        add(db, queue, 0);
    }
    LaneBook book;

    learn_all(db, book);

    std::vector<std::string> queues;
    for (const auto& claim : book.claims(1)) {
        queues.push_back(claim.lane.queue);
    }
    CHECK(std::set<std::string>(queues.begin(), queues.end()) ==
        std::set<std::string>{"Zebra", "apple", "Äpfel", "\xF0\x9F\x90\x98"});
}

STORAGE_TEST("probe: fitting only passes over what the worker cannot run")
{
    add(db, "default", 0, "mystery");
    NewJob labelled{.kind = "email"};
    labelled.requires_labels = {"gpu"};
    db.enqueue(labelled);

    CHECK_FALSE(db.storage->probe(everything(false)).lanes.empty());
    CHECK(db.storage->probe(everything(true)).lanes.empty());
    ProbeRequest able = everything(true);
    able.labels = {"gpu"};
    CHECK_FALSE(db.storage->probe(able).lanes.empty());
}

STORAGE_TEST("probe: jobs that run or wait for their time are in no lane")
{
    db.enqueue();
    static_cast<void>(db.claim_one(alice));
    db.enqueue({.kind = "email", .run_in = 1h});

    const Probe probe = db.storage->probe(everything());

    CHECK(probe.lanes.empty());
    REQUIRE(probe.next_due.has_value());
    CHECK(*probe.next_due > 0ms);
    CHECK(*probe.next_due <= 1h);
}

STORAGE_TEST("probe: says when the next job is due, also behind one whose time has come")
{
    const JobId id = db.enqueue({.kind = "email", .run_in = 2h});
    db.enqueue({.kind = "email", .run_in = 5h});

    const Probe before = db.storage->probe(everything());
    db.backend->bring_forward(id, 2h);
    static_cast<void>(db.storage->promote(10));
    const Probe after = db.storage->probe(everything());

    CHECK(before.lanes.empty());
    CHECK(before.next_due.value_or(0ms) > 0ms);
    CHECK(before.next_due.value_or(9h) <= 2h);
    REQUIRE(after.lanes.size() == 1);
    CHECK(after.next_due.value_or(0ms) > 2h);
    CHECK(after.next_due.value_or(9h) <= 5h);
}

STORAGE_TEST("probe: names the queues that are paused, and shows none of their jobs")
{
    add(db, "a", 0);
    add(db, "b", 0);
    db.storage->pause_queue("a", "tester");
    LaneBook book;
    book.set_paused({"a"});
    ProbeRequest request = everything();
    request.ranges = book.ranges(true);

    const Probe probe = db.storage->probe(request);

    CHECK(probe.paused == std::vector<std::string>{"a"});
    REQUIRE(probe.lanes.size() == 1);
    CHECK(probe.lanes[0].lane == Lane{"b", 0});
    db.storage->resume_queue("a", "tester");
    CHECK(db.storage->probe(request).paused.empty());
}

STORAGE_TEST("probe: tells of lost workers and of jobs not started in time")
{
    NewJob job{.kind = "email"};
    job.expires_at = "2099-01-01T00:00:00.000Z";
    const JobId id = db.enqueue(job);
    CHECK_FALSE(db.storage->probe(everything()).expired_jobs);

    db.backend->let_expire(id);
    db.backend->end_lease(alice);

    const Probe probe = db.storage->probe(everything());
    CHECK(probe.expired_jobs);
    CHECK(probe.lost_workers);
    REQUIRE(db.storage->expire(10) == 1);
    static_cast<void>(db.rescue());
    CHECK_FALSE(db.storage->probe(everything()).expired_jobs);
    CHECK_FALSE(db.storage->probe(everything()).lost_workers);
}

STORAGE_TEST("lanes: a worker with a book empties every queue and priority")
{
    std::set<JobId> added;
    for (const auto* queue : {"a", "b", "default"}) {
        for (const int priority : {-32'768, 0, 3, 32'767}) {
            for (int i = 0; i < 3; ++i) {
                added.insert(add(db, queue, priority));
            }
        }
    }
    LaneBook book;
    std::set<JobId> taken;
    auto now = LaneBook::Time{} + 1h;

    for (int round = 0; round < 100 && taken.size() < added.size(); ++round) {
        learn_all(db, book, round % 2 == 0);
        ClaimRequest request = db.request(alice, 5);
        request.lanes = book.claims(5);
        const auto claimed = db.storage->claim(request);
        book.observe(request.lanes, request.limit, claimed, now += 200ms);
        for (const auto& job : claimed) {
            CHECK(taken.insert(job.token.job).second);
        }
    }

    CHECK(taken == added);
}

STORAGE_TEST("probe: tells what operators have set for queues")
{
    CHECK(db.storage->probe(everything()).settings.empty());
    db.storage->pause_queue("paused", "ann");
    db.storage->set_queue("mail", 5, std::nullopt, "ann");
    db.storage->set_queue("bulk", std::nullopt, 3, "ann");
    db.storage->set_queue("bulk", 0, std::nullopt, "ann");

    auto settings = db.storage->probe(everything()).settings;
    std::sort(settings.begin(), settings.end(),
        [](const QueueSetting& a, const QueueSetting& b) { return a.queue < b.queue; });

    REQUIRE(settings.size() == 2);
    CHECK(settings[0].queue == "bulk");
    CHECK(settings[0].slots == 0);
    CHECK(settings[0].weight == 3);
    CHECK(settings[1].queue == "mail");
    CHECK(settings[1].slots == 5);
    CHECK(settings[1].weight == std::nullopt);
    for (const auto& row : db.storage->queues()) {
        CHECK(
            row.slots == (row.queue == "paused" ? std::nullopt : std::optional(row.queue == "mail" ? 5 : 0)));
        CHECK(row.weight == (row.queue == "bulk" ? std::optional(3) : std::nullopt));
    }
}
