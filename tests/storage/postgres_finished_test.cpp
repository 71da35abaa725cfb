// NOTIFY <schema>_finished: sent for the jobs that ask for it, however they finish, and for no other.
#include "storage/storage_fixture.hpp"

#include "support/skip.hpp"

#include <pqxx/pqxx>

#include <algorithm>

using namespace jobrunner;
using namespace jobrunner::tests;

namespace {

class Finished : pqxx::notification_receiver {
public:
    Finished(pqxx::connection& connection, const std::string& schema)
        : notification_receiver(connection, schema + "_finished"),
          connection_(connection),
          channel_(channel())
    {
    }

    void operator()(const std::string& payload, int) override { heard_.push_back(payload); }

    // What was sent since the last call, sorted. All of it comes before a word of its own.
    std::vector<std::string> heard()
    {
        {
            pqxx::nontransaction tx(connection_);
            tx.exec("SELECT pg_notify(" + tx.quote(channel_) + ", 'end')");
        }
        while (std::find(heard_.begin(), heard_.end(), "end") == heard_.end()) {
            REQUIRE(connection_.await_notification(20, 0) > 0);
        }
        std::erase(heard_, "end");
        std::sort(heard_.begin(), heard_.end());
        return std::exchange(heard_, {});
    }

private:
    pqxx::connection& connection_;
    std::string channel_;
    std::vector<std::string> heard_;
};

std::string word(JobId id, const std::string& kind, const std::string& state)
{
    return R"({"id":")" + std::to_string(id) + R"(","kind":")" + kind + R"(","state":")" + state + "\"}";
}

// Kind report asks for it; of kind email only jobs whose meta does.
void publish(StorageFixture& db)
{
    std::vector<KindPolicy> policies{policy_of("email"), policy_of("report")};
    policies[1].notify = true;
    db.storage->publish_kinds(policies, "tests");
}

NewJob asking(const std::string& kind)
{
    return {.kind = kind, .meta = R"({"notify": true})"};
}

void on_listened(void (*body)(StorageFixture&, Finished&))
{
    std::string reason;
    auto backend = make_backend("postgres", reason);
    if (!backend) {
        note_skipped(reason);
        return;
    }
    const DatabaseOptions options = backend->options();
    StorageFixture db(std::move(backend));
    publish(db);
    pqxx::connection connection(options.url);
    Finished finished(connection, options.schema);
    body(db, finished);
}

} // namespace

TEST_CASE("postgres finished: a job that completes is told of where its kind or its meta asks")
{
    on_listened([](StorageFixture& db, Finished& finished) {
        const JobId by_kind = db.enqueue({.kind = "report"});
        const JobId by_meta = db.enqueue(asking("email"));
        db.enqueue({.kind = "email", .meta = R"({"notify": false})"});
        std::vector<Settlement> ends;
        for (const auto& job : db.claim(alice, 3)) {
            ends.push_back(db.decision(job, succeeded()));
        }
        REQUIRE(ends.size() == 3);

        REQUIRE(db.storage->settle(ends, alice, {}) == std::vector(3, Settled::applied));

        CHECK(finished.heard() ==
            std::vector{word(by_kind, "report", "completed"), word(by_meta, "email", "completed")});
    });
}

TEST_CASE("postgres finished: a job that is dead or cancelled is told of, one that is tried again is not")
{
    on_listened([](StorageFixture& db, Finished& finished) {
        const auto ids = db.enqueue_several(4, asking("email"));
        const auto jobs = db.claim(alice, 4);
        REQUIRE(jobs.size() == 4);

        REQUIRE(db.settle(jobs[0], ended(RunEnd::failed_for_good)) == Settled::applied);
        REQUIRE(db.settle(jobs[1], ended(RunEnd::cancelled)) == Settled::applied);
        REQUIRE(db.settle(jobs[2], ended(RunEnd::failed)) == Settled::applied);
        REQUIRE(db.settle(jobs[3], ended(RunEnd::released)) == Settled::applied);
        Settlement stale = db.decision(jobs[0], succeeded());
        CHECK(db.settle(stale) != Settled::applied);

        CHECK(finished.heard() ==
            std::vector{word(ids[0], "email", "dead"), word(ids[1], "email", "cancelled")});
    });
}

TEST_CASE("postgres finished: what a job's own code settles is told of")
{
    on_listened([](StorageFixture& db, Finished& finished) {
        const JobId completes = db.enqueue({.kind = "report"});
        const JobId fails = db.enqueue({.kind = "report", .max_attempts = 1});
        const auto jobs = db.claim(alice, 2);
        REQUIRE(jobs.size() == 2);

        db.backend->complete_by_sql(to_text(jobs[0].token), "1");
        db.backend->fail_by_sql(to_text(jobs[1].token), "boom");

        CHECK(finished.heard() ==
            std::vector{word(completes, "report", "completed"), word(fails, "report", "dead")});
    });
}

TEST_CASE(
    "postgres finished: what expires, is cancelled while it waits or is given up with its worker is told of")
{
    on_listened([](StorageFixture& db, Finished& finished) {
        const JobId lost = db.enqueue({.kind = "report", .max_attempts = 1});
        REQUIRE(db.claim_one(alice).token.job == lost);
        db.backend->end_lease(alice);
        REQUIRE(db.rescue() == std::vector{lost});
        const JobId expired =
            db.enqueue({.kind = "report", .run_in = 1h, .expires_at = "2999-01-01T00:00:00.000Z"});
        db.backend->let_expire(expired);
        REQUIRE(db.storage->expire(10) == 1);
        const JobId cancelled = db.enqueue(asking("email"));
        REQUIRE(db.act(JobAction::cancel, cancelled).result == ActionResult::done);

        CHECK(finished.heard() ==
            std::vector{word(lost, "report", "dead"), word(expired, "report", "cancelled"),
                word(cancelled, "email", "cancelled")});
    });
}

TEST_CASE("postgres finished: a transaction that is to be prepared sends none")
{
    on_listened([](StorageFixture& db, Finished& finished) {
        db.enqueue({.kind = "report"});
        const std::string token = to_text(db.claim_one(alice).token);

        db.backend->run_sql(
            "SET jobrunner.wake = off; SELECT complete('" + token + "'); RESET jobrunner.wake");

        CHECK(finished.heard().empty());
    });
}
