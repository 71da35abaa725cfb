// PostgreSQL's claim order: positions, floors, promotion, and commits that come late.
#include "storage/postgres_database.hpp"
#include "storage/storage_fixture.hpp"

#include "support/skip.hpp"

using namespace jobrunner;
using namespace jobrunner::tests;

namespace {

// The claiming half of a worker, with a clock of its own.
class Claimer {
public:
    explicit Claimer(StorageFixture& db) : db_(db) {}

    std::vector<JobId> look_and_claim(bool from_bottom, int limit = 5)
    {
        ProbeRequest probe{
            .ranges = book_.ranges(from_bottom), .fitting_only = from_bottom, .kinds = known_kinds};
        book_.learn(db_.storage->probe(probe).lanes);
        ClaimRequest request = db_.request(alice, limit);
        request.lanes = book_.claims(limit);
        const auto claimed = db_.storage->claim(request);
        book_.observe(request.lanes, limit, claimed, now_ += 2 * LaneBook::lag);
        std::vector<JobId> ids;
        for (const auto& job : claimed) {
            ids.push_back(job.token.job);
            CHECK(db_.settle(job, succeeded()) == Settled::applied);
        }
        return ids;
    }

    // Goes on until there is nothing left above its floors.
    std::size_t drain()
    {
        std::size_t all = 0;
        for (int empty = 0; empty < 3;) {
            const auto some = look_and_claim(false).size();
            empty = some == 0 ? empty + 1 : 0;
            all += some;
        }
        return all;
    }

private:
    StorageFixture& db_;
    LaneBook book_;
    LaneBook::Time now_ = LaneBook::Time{} + 1h;
};

template <typename Body>
void on_postgres(Body body)
{
    if (const auto url = postgres_url()) {
        StorageFixture db(make_postgres_backend(*url));
        body(db);
    }
}

} // namespace

TEST_CASE("postgres lanes: nothing at or below the floor is taken")
{
    on_postgres([](StorageFixture& db) {
        const auto ids = db.enqueue_several(5);
        const auto first = db.claim(alice, 2);
        REQUIRE(first.size() == 2);

        ClaimRequest request = db.request(bob, 10);
        request.lanes[0].floor = first[1].position + 1;
        const auto above = db.storage->claim(request);

        REQUIRE(above.size() == 2);
        CHECK(above[0].token.job == ids[3]);
        for (const auto& job : above) {
            CHECK(job.position > request.lanes[0].floor);
        }
    });
}

TEST_CASE("postgres lanes: a probe finds the first and the last position of a lane")
{
    on_postgres([](StorageFixture& db) {
        db.enqueue_several(4);
        ProbeRequest request{.ranges = LaneBook().ranges(true)};

        const auto lanes = db.storage->probe(request).lanes;
        const auto claimed = db.claim(alice, 4);

        REQUIRE(lanes.size() == 1);
        REQUIRE(claimed.size() == 4);
        CHECK(lanes[0].first == claimed[0].position);
        CHECK(lanes[0].last == claimed[3].position);
    });
}

TEST_CASE("postgres lanes: a range begins above its lower position")
{
    on_postgres([](StorageFixture& db) {
        db.enqueue_several(2);
        ProbeRequest request{.ranges = LaneBook().ranges(true)};
        const auto whole = db.storage->probe(request).lanes.at(0);

        request.ranges = {{whole.lane, whole.first, {"z", 0}}};
        CHECK(db.storage->probe(request).lanes.at(0).first == whole.last);
        request.ranges = {{whole.lane, whole.last, {"z", 0}}};
        CHECK(db.storage->probe(request).lanes.empty());
    });
}

TEST_CASE("postgres lanes: jobs are due when their time has come, and promoted oldest first")
{
    on_postgres([](StorageFixture& db) {
        const auto ids = db.enqueue_several(3, {.kind = "email", .run_in = 1h});
        ProbeRequest request{.ranges = LaneBook().ranges(true)};
        for (std::size_t i = 0; i < 3; ++i) {
            db.backend->bring_forward(ids[i], 1h + 1s * static_cast<int>(3 - i));
        }

        CHECK(db.storage->probe(request).next_due == 0ms);
        CHECK(db.claim(alice, 10).empty());
        CHECK(db.storage->promote(2) == 2);
        CHECK(db.claim(alice, 10).size() == 2);
        CHECK(db.storage->promote(2) == 1);
        CHECK_FALSE(db.storage->probe(request).next_due.has_value());
        CHECK(db.claim_one(alice).token.job == ids[2]);
    });
}

TEST_CASE("postgres lanes: a job that comes back takes a place above every floor")
{
    on_postgres([](StorageFixture& db) {
        const auto ids = db.enqueue_several(4);
        const auto claimed = db.claim(alice, 4);
        REQUIRE(claimed.size() == 4);
        const std::int64_t floor = claimed[3].position;

        REQUIRE(db.settle(claimed[0], ended(RunEnd::released)) == Settled::applied);
        REQUIRE(db.settle(claimed[1], ended(RunEnd::failed)) == Settled::applied);
        REQUIRE(db.settle(claimed[2], ended(RunEnd::failed_for_good)) == Settled::applied);
        db.backend->bring_forward(ids[1], 1h);
        REQUIRE(db.storage->promote(10) == 1);
        REQUIRE(db.act(JobAction::retry, ids[2]).result == ActionResult::done);

        ClaimRequest request = db.request(bob, 10);
        request.lanes[0].floor = floor;
        CHECK(db.storage->claim(request).size() == 3);
    });
}

TEST_CASE("postgres lanes: a job committed after those behind it is found")
{
    on_postgres([](StorageFixture& db) {
        const auto url = *postgres_url();
        const auto application = connect_postgres(url, db.backend->options().schema);
        pqxx::work late(*application);
        const auto id = late.exec("INSERT INTO jobs (kind) VALUES ('email') RETURNING id")[0][0].as<JobId>();
        db.enqueue_several(20);
        Claimer claimer(db);
        CHECK(claimer.drain() == 20);
        db.enqueue_several(20);
        CHECK(claimer.drain() == 20);

        late.commit();

        CHECK(claimer.look_and_claim(false).empty()); // The floor has passed it.
        CHECK(claimer.look_and_claim(true) == std::vector{id});
    });
}

TEST_CASE("postgres lanes: a job that another held and let go again is found")
{
    on_postgres([](StorageFixture& db) {
        const auto id = db.enqueue();
        const auto other = connect_postgres(*postgres_url(), db.backend->options().schema);
        Claimer claimer(db);
        {
            pqxx::work held(*other);
            held.exec("SELECT id FROM jobs FOR UPDATE");
            db.enqueue_several(20);
            CHECK(claimer.drain() == 20);
            CHECK(claimer.look_and_claim(true).empty()); // It is passed over, not waited for.
        }

        CHECK(claimer.look_and_claim(true) == std::vector{id});
    });
}

TEST_CASE("postgres lanes: late commits in queues that nobody has seen are found")
{
    on_postgres([](StorageFixture& db) {
        const auto application = connect_postgres(*postgres_url(), db.backend->options().schema);
        pqxx::work late(*application);
        late.exec(
            "INSERT INTO jobs (kind, queue) VALUES ('email', 'aaa'), ('email', 'zzz'), ('email', 'default')");
        db.enqueue_several(10);
        Claimer claimer(db);
        CHECK(claimer.drain() == 10);

        late.commit();

        std::size_t found = 0;
        for (int i = 0; i < 4; ++i) {
            found += claimer.look_and_claim(true).size();
        }
        CHECK(found == 3);
    });
}
