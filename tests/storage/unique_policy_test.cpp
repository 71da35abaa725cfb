// Keys that a kind derives from args, and how long they are held.
#include "storage/storage_fixture.hpp"

using namespace jobrunner;
using namespace jobrunner::tests;

namespace {

void publish(StorageFixture& db, const UniquePolicy& unique)
{
    KindPolicy policy = policy_of("email");
    policy.unique = unique;
    db.storage->publish_kinds({&policy, 1}, "tests");
}

Enqueued add(StorageFixture& db, const std::string& args, OnConflict on_conflict = OnConflict::skip)
{
    return db.enqueue_on_conflict({.kind = "email", .args = args}, on_conflict)[0];
}

} // namespace

STORAGE_TEST("unique policy: jobs whose chosen args are alike are the same work")
{
    publish(db, {.args = {"user_id", "list"}});
    const auto first = add(db, R"({"user_id": 7, "list": [1, 2], "at": "noon"})");
    CHECK_FALSE(first.existing);

    const auto again = add(db, R"({"at": "midnight", "list": [1, 2], "user_id": 7})");
    CHECK(again.existing);
    CHECK(again.id == first.id);
    CHECK_FALSE(add(db, R"({"user_id": 8, "list": [1, 2]})").existing);
    CHECK_FALSE(add(db, R"({"user_id": "7", "list": [1, 2]})").existing);
    CHECK_FALSE(add(db, R"({"user_id": 7})").existing);
    CHECK(add(db, R"({"user_id": 7, "list": null})").existing);
    CHECK(std::string(StorageFixture::error_of([&] {
        static_cast<void>(add(db, R"({"user_id": 8, "list": [1, 2]})", OnConflict::refuse));
    }).what())
              .find("unique_key is held") != std::string::npos);
}

STORAGE_TEST("unique policy: without chosen args all of them count, in any order")
{
    publish(db, {});
    const auto first = add(db, R"({"a": 1, "b": {"c": "x"}})");
    CHECK(add(db, R"({"b": {"c": "x"}, "a": 1})").id == first.id);
    CHECK_FALSE(add(db, R"({"a": 1})").existing);
    CHECK_FALSE(add(db, "{}").existing);
    CHECK(add(db, "{}").existing);
}

STORAGE_TEST("unique policy: a key of one's own wins, and other kinds have none")
{
    publish(db, {.args = {"a"}});
    const JobId derived = db.enqueue({.kind = "email", .args = R"({"a": 1})"});
    NewJob own{.kind = "email", .args = R"({"a": 1})"};
    own.unique_key = "mine";

    CHECK_FALSE(db.enqueue_on_conflict(own, OnConflict::skip)[0].existing);
    CHECK(db.job(derived).unique_key->starts_with("email "));
    CHECK_FALSE(db.job(db.enqueue({.kind = "report", .args = R"({"a": 1})"})).unique_key.has_value());
}

STORAGE_TEST("unique policy: applications that enqueue by SQL get the same key")
{
    publish(db, {.args = {"a"}});
    const JobId first = db.enqueue({.kind = "email", .args = R"({"a": 1})"});
    CHECK(db.backend->enqueue_by_sql("email", R"({"a": 1, "b": 5})", "merge").empty());

    CHECK(db.storage->list({}).size() == 1);
    CHECK(db.job(first).args.find("\"b\"") != std::string::npos);
    CHECK(db.backend->enqueue_by_sql("email", R"({"a": 1})", "").find("unique_key") != std::string::npos);
}

STORAGE_TEST("unique policy: the key is held until the job has finished, through its retries")
{
    publish(db, {.args = {"a"}});
    const auto first = add(db, R"({"a": 1})");
    const auto job = db.claim_one(alice);
    CHECK(add(db, R"({"a": 1})").existing);
    REQUIRE(db.settle(job, ended(RunEnd::failed)) == Settled::applied);
    CHECK(add(db, R"({"a": 1})").id == first.id);
    REQUIRE(db.act(JobAction::cancel, first.id).result == ActionResult::done);
    CHECK_FALSE(add(db, R"({"a": 1})").existing);
}

STORAGE_TEST("unique policy: while = queued frees the key when the job starts, and its retry needs none")
{
    publish(db, {.args = {"a"}, .only_queued = true});
    const auto first = add(db, R"({"a": 1})");
    CHECK(add(db, R"({"a": 1})").existing);
    const auto job = db.claim_one(alice);

    const auto second = add(db, R"({"a": 1})");
    CHECK_FALSE(second.existing);
    REQUIRE(db.settle(job, ended(RunEnd::failed)) == Settled::applied);
    CHECK(db.state(first.id) == JobState::retryable);
    CHECK(add(db, R"({"a": 1})").id == second.id);
}

STORAGE_TEST("unique policy: a window holds the key from the enqueuing on, whatever becomes of the job")
{
    publish(db, {.args = {"a"}, .window = 10min});
    const auto first = add(db, R"({"a": 1})");
    REQUIRE(db.settle(db.claim_one(alice), succeeded()) == Settled::applied);

    const auto again = add(db, R"({"a": 1})");
    CHECK(again.existing);
    CHECK(again.id == first.id);
    CHECK(add(db, R"({"a": 1, "b": 2})", OnConflict::replace).id == first.id);
    CHECK(db.storage->list({.states = {JobState::available}}).empty());
    CHECK(std::string(StorageFixture::error_of([&] {
        static_cast<void>(add(db, R"({"a": 1})", OnConflict::refuse));
    }).what())
              .find("unique_key is held by job " + std::to_string(first.id)) != std::string::npos);
    CHECK(db.backend->enqueue_by_sql("email", R"({"a": 1})", "").find("unique_key is held") !=
        std::string::npos);
    CHECK_FALSE(add(db, R"({"a": 2})").existing);

    db.backend->run_sql("UPDATE unique_windows SET until = '2020-01-01T00:00:00.000Z'");
    CHECK_FALSE(add(db, R"({"a": 1})").existing);
    CHECK(add(db, R"({"a": 1})").existing);
    db.backend->run_sql("UPDATE unique_windows SET until = '2020-01-01T00:00:00.000Z'");
    db.storage->tidy({});
    CHECK(db.backend->row("SELECT count(*) FROM unique_windows") == "0");
}

STORAGE_TEST(
    "unique policy: an unfinished job of a time before the window began is met, and no window begins")
{
    publish(db, {.args = {"a"}});
    const auto first = add(db, R"({"a": 1})");
    publish(db, {.args = {"a"}, .window = 10min});

    CHECK(add(db, R"({"a": 1, "b": 1})", OnConflict::replace).id == first.id);
    CHECK(db.job(first.id).args.find("\"b\"") != std::string::npos);
    CHECK(db.backend->row("SELECT count(*) FROM unique_windows") == "0");
}

STORAGE_TEST("unique policy: a retried job comes back within its own window")
{
    publish(db, {.args = {"a"}, .window = 10min});
    const auto first = add(db, R"({"a": 1})");
    REQUIRE(db.settle(db.claim_one(alice), ended(RunEnd::failed_for_good)) == Settled::applied);

    CHECK(db.act(JobAction::retry, first.id).result == ActionResult::done);
    CHECK(db.state(first.id) == JobState::available);
}

STORAGE_TEST("unique policy: long args make a key, or are refused in words")
{
    publish(db, {.args = {"a"}});
    const std::string args = R"({"a": ")" + std::string(5000, 'x') + R"("})";
    try {
        const auto first = add(db, args);
        CHECK(add(db, args).id == first.id);
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::refused);
        CHECK(std::string(error.what()).find("unique_key") != std::string::npos);
    }
}
