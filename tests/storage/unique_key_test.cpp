#include "storage/storage_fixture.hpp"

using namespace jobrunner;
using namespace jobrunner::tests;

namespace {

NewJob keyed(const std::string& args, const std::string& key = "key")
{
    NewJob job{.kind = "email", .args = args};
    job.unique_key = key;
    return job;
}

// As an application without functions replaces: by plain SQL.
std::string replace_sql(const std::string& args)
{
    return "INSERT INTO jobs (kind, args, unique_key) VALUES ('email', '" + args +
        "', 'key') ON CONFLICT (unique_key) DO UPDATE SET args = excluded.args, run_at = excluded.run_at";
}

} // namespace

STORAGE_TEST("unique_key: refuse adds nothing while an unfinished job holds the key")
{
    const JobId holder = db.enqueue(keyed("{}"));

    const std::vector<NewJob> jobs{{.kind = "email"}, keyed(R"({"b": 2})")};
    const Error error =
        db.error_of([&] { static_cast<void>(db.storage->enqueue(jobs, OnConflict::refuse)); });

    CHECK(error.kind() == ErrorKind::refused);
    CHECK(std::string(error.what()).find("unique_key") != std::string::npos);
    REQUIRE(db.storage->list({}).size() == 1);
    CHECK(db.storage->list({})[0].id == holder);
}

STORAGE_TEST("unique_key: skip names the holder and leaves it as it is")
{
    const JobId holder = db.enqueue(keyed(R"({"a": 1})"));

    const auto again = db.enqueue_on_conflict(keyed(R"({"b": 2})"), OnConflict::skip);
    const auto other = db.enqueue_on_conflict(keyed("{}", "other"), OnConflict::skip);

    CHECK(again[0].id == holder);
    CHECK(again[0].existing);
    CHECK(other[0].id != holder);
    CHECK_FALSE(other[0].existing);
    CHECK(db.job(holder).args.find('a') != std::string::npos);
    CHECK(db.job(holder).args.find('b') == std::string::npos);
}

STORAGE_TEST("unique_key: replace gives the holder the new job's values")
{
    const JobId holder = db.enqueue(keyed(R"({"a": 1})"));

    NewJob fresh = keyed(R"({"b": 2})");
    fresh.priority = 5;
    fresh.queue = "slow";
    fresh.run_in = 1h;
    fresh.tags = {"new"};
    const auto again = db.enqueue_on_conflict(fresh, OnConflict::replace);

    CHECK(again[0].id == holder);
    CHECK(again[0].existing);
    const JobRow job = db.job(holder);
    CHECK(job.args.find('a') == std::string::npos);
    CHECK(job.args.find('b') != std::string::npos);
    CHECK(job.priority == 5);
    CHECK(job.queue == "slow");
    CHECK(job.tags == std::vector<std::string>{"new"});
    CHECK(job.state == JobState::scheduled);
}

STORAGE_TEST("unique_key: merge adds the new args to the holder's")
{
    const JobId holder = db.enqueue(keyed(R"({"a": 1, "same": "old"})"));

    const auto again = db.enqueue_on_conflict(keyed(R"({"b": 2, "same": "new"})"), OnConflict::merge);

    CHECK(again[0].id == holder);
    const std::string args = db.job(holder).args;
    CHECK(args.find("\"a\"") != std::string::npos);
    CHECK(args.find("\"b\"") != std::string::npos);
    CHECK(args.find("new") != std::string::npos);
    CHECK(args.find("old") == std::string::npos);
}

STORAGE_TEST("unique_key: a waiting holder that is given other work has all of its attempts again")
{
    const JobId holder = db.enqueue(keyed(R"({"a": 1})"));
    REQUIRE(db.settle(db.claim_one(alice), ended(RunEnd::failed)) == Settled::applied);
    REQUIRE(db.job(holder).attempt == 1);

    SUBCASE("by a function, even with the same values")
    {
        REQUIRE(db.enqueue_on_conflict(keyed(R"({"a": 1})"), OnConflict::replace)[0].existing);
    }
    SUBCASE("by a function that merges")
    {
        REQUIRE(db.enqueue_on_conflict(keyed(R"({"b": 1})"), OnConflict::merge)[0].existing);
    }
    SUBCASE("by plain SQL")
    {
        db.backend->run_sql(replace_sql(R"({"b": 2})"));
    }
    SUBCASE("by an operator")
    {
        JobCommand command{.action = JobAction::edit, .changes = R"({"args": {"b": 2}})", .actor = "tester"};
        REQUIRE(db.storage->act(command, {&holder, 1}).at(0).result == ActionResult::done);
        REQUIRE(db.act(JobAction::retry, holder).result == ActionResult::done);
    }

    CHECK(db.job(holder).attempt == 0);
    static_cast<void>(db.storage->promote(10));
    const ClaimedJob again = db.claim_one(alice);
    CHECK(again.attempt == 1);
    CHECK(again.token.fence == 2);
    CHECK(db.outcomes(holder) == std::vector<std::string>{"failed"});
}

STORAGE_TEST("unique_key: a waiting holder whose work stays the same keeps its spent attempts")
{
    const JobId holder = db.enqueue(keyed(R"({"a": 1})"));
    REQUIRE(db.settle(db.claim_one(alice), ended(RunEnd::failed)) == Settled::applied);

    db.backend->run_sql(replace_sql(R"({"a": 1})"));

    CHECK(db.job(holder).attempt == 1);
}

STORAGE_TEST("unique_key: one call may name a key twice")
{
    const std::vector<NewJob> twice{keyed(R"({"a": 1})"), keyed(R"({"b": 2})")};

    const auto enqueued = db.storage->enqueue(twice, OnConflict::merge);

    REQUIRE(enqueued.size() == 2);
    CHECK(enqueued[0].id == enqueued[1].id);
    CHECK_FALSE(enqueued[0].existing);
    CHECK(enqueued[1].existing);
}

STORAGE_TEST("unique_key: a finished job frees its key")
{
    const JobId first = db.enqueue(keyed("{}"));
    REQUIRE(db.settle(db.claim_one(alice), succeeded()) == Settled::applied);

    const auto second = db.enqueue_on_conflict(keyed("{}"), OnConflict::skip);

    CHECK(second[0].id != first);
    CHECK_FALSE(second[0].existing);
    CHECK(db.job(first).unique_key == "key");
}

STORAGE_TEST("unique_key: a holder that was replaced may run once its time has come")
{
    const JobId holder = db.enqueue(keyed("{}"));
    REQUIRE(db.settle(db.claim_one(alice), ended(RunEnd::failed)) == Settled::applied);
    REQUIRE(db.state(holder) == JobState::retryable);

    SUBCASE("by a job of now")
    {
        REQUIRE(db.enqueue_on_conflict(keyed(R"({"b": 2})"), OnConflict::replace)[0].existing);
    }
    SUBCASE("by a job of the past")
    {
        NewJob past = keyed(R"({"b": 2})");
        past.run_at = "2001-01-01T00:00:00.000Z";
        REQUIRE(db.enqueue_on_conflict(past, OnConflict::replace)[0].existing);
    }
    SUBCASE("by plain SQL of the past")
    {
        db.backend->run_sql(replace_sql(R"({"b": 2})"));
        db.backend->run_sql(
            "INSERT INTO jobs (kind, run_at, unique_key) VALUES ('email', '2001-01-01T00:00:00.000Z',"
            " 'key') ON CONFLICT (unique_key) DO UPDATE SET run_at = excluded.run_at");
    }

    static_cast<void>(db.storage->promote(10));
    CHECK(db.claim_one(alice).token.job == holder);
}

STORAGE_TEST("rerun: a job replaced while it runs completes, and then runs again with the new values")
{
    const JobId id = db.enqueue(keyed(R"({"a": 1})"));
    const ClaimedJob first = db.claim_one(alice);

    db.backend->run_sql(replace_sql(R"({"b": 2})"));
    CHECK(db.state(id) == JobState::running);
    CHECK(db.settle(first, succeeded()) == Settled::applied);

    CHECK(db.state(id) == JobState::available);
    CHECK(db.job(id).attempt == 0);
    CHECK(db.outcomes(id) == std::vector<std::string>{"completed"});
    const ClaimedJob second = db.claim_one(bob);
    CHECK(second.token.job == id);
    CHECK(second.token.fence > first.token.fence);
    CHECK(second.attempt == 1);
    CHECK(second.args.find('b') != std::string::npos);
    CHECK(db.settle(second, succeeded()) == Settled::applied);
    CHECK(db.state(id) == JobState::completed);
    CHECK(db.claim(alice, 10).empty());
}

STORAGE_TEST("rerun: whatever way the replaced attempt ends, the new values run")
{
    RunReport report;
    SUBCASE("failed")
    {
        report = ended(RunEnd::failed, "boom");
    }
    SUBCASE("timed out")
    {
        report = ended(RunEnd::timed_out, "late");
    }
    SUBCASE("failed for good")
    {
        report = ended(RunEnd::failed_for_good, "boom");
    }
    SUBCASE("cancelled")
    {
        report = ended(RunEnd::cancelled);
    }
    SUBCASE("snoozed")
    {
        report = ended(RunEnd::snoozed);
    }
    SUBCASE("given back")
    {
        report = ended(RunEnd::released);
    }

    const JobId id = db.enqueue(keyed(R"({"a": 1})"));
    const ClaimedJob first = db.claim_one(alice);
    REQUIRE(db.enqueue_on_conflict(keyed(R"({"b": 2})"), OnConflict::replace)[0].existing);

    CHECK(db.settle(first, report) == Settled::applied);

    static_cast<void>(db.storage->promote(10));
    const ClaimedJob second = db.claim_one(alice);
    CHECK(second.token.job == id);
    CHECK(second.attempt == 1);
    CHECK(second.args.find('b') != std::string::npos);
    CHECK(db.storage->attempts(id).size() == 1);
}

STORAGE_TEST("rerun: a job whose worker was lost after it was replaced runs again")
{
    const JobId id = db.enqueue(keyed("{}"));
    static_cast<void>(db.claim_one(alice));
    db.backend->run_sql(replace_sql(R"({"b": 2})"));

    db.backend->end_lease(alice);
    CHECK(db.rescue() == std::vector{id});

    static_cast<void>(db.storage->promote(10));
    CHECK(db.claim_one(bob).args.find('b') != std::string::npos);
}

STORAGE_TEST("rerun: a claim that was not replaced is not run again")
{
    const JobId id = db.enqueue(keyed("{}"));
    const ClaimedJob job = db.claim_one(alice);
    REQUIRE(db.enqueue_on_conflict(keyed(R"({"b": 2})"), OnConflict::skip)[0].existing);

    CHECK(db.settle(job, succeeded()) == Settled::applied);
    CHECK(db.state(id) == JobState::completed);
}
