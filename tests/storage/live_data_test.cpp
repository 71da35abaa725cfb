// What running jobs print and say while they run.
#include "storage/storage_fixture.hpp"

using namespace jobrunner;
using namespace jobrunner::tests;

namespace {

void write(StorageFixture& db, const ClaimToken& token, int sequence, const std::string& body)
{
    const LiveOutput chunk{.token = token, .sequence = sequence, .stream = "out", .body = body};
    db.storage->write_output({&chunk, 1});
}

void say(StorageFixture& db, const ClaimToken& token, double percent, const std::optional<std::string>& note,
    const std::optional<std::string>& checkpoint)
{
    const Progress progress{.token = token, .percent = percent, .note = note, .checkpoint = checkpoint};
    db.storage->write_progress({&progress, 1});
}

} // namespace

STORAGE_TEST("output: chunks are read back in order, after a given one")
{
    db.enqueue();
    const ClaimedJob job = db.claim_one(alice);
    const std::vector<LiveOutput> chunks{{job.token, 2, "error", "two"},
        {job.token, 1, "out", "one \xC3\xBC"}, {job.token, 3, "log", "three"}};

    db.storage->write_output(chunks);

    const auto all = db.storage->output(job.token.job, 0, 0);
    REQUIRE(all.size() == 3);
    CHECK(all[0].body == "one \xC3\xBC");
    CHECK(all[0].stream == "out");
    CHECK(all[0].fence == 1);
    CHECK(all[0].sequence == 1);
    CHECK(all[0].written_at.back() == 'Z');
    CHECK(all[1].stream == "error");
    CHECK(all[2].stream == "log");
    CHECK(db.storage->output(job.token.job, 1, 2).size() == 1);
    CHECK(db.storage->output(job.token.job, 1, 3).empty());
    CHECK(db.storage->output(job.token.job + 1, 0, 0).empty());
}

STORAGE_TEST("output: a chunk written twice is there once")
{
    db.enqueue();
    const ClaimedJob job = db.claim_one(alice);

    write(db, job.token, 1, "first");
    write(db, job.token, 1, "again");

    const auto all = db.storage->output(job.token.job, 0, 0);
    REQUIRE(all.size() == 1);
    CHECK(all[0].body == "first");
}

STORAGE_TEST("output: stale claims are passed over, live ones beside them are not")
{
    db.enqueue_several(2);
    const auto jobs = db.claim(alice, 2);
    ClaimToken other_fence = jobs[0].token;
    ++other_fence.fence;
    ClaimToken other_worker = jobs[0].token;
    other_worker.worker = bob;
    const std::vector<LiveOutput> chunks{
        {other_fence, 1, "out", "a"}, {other_worker, 1, "out", "b"}, {jobs[1].token, 1, "out", "mine"}};

    db.storage->write_output(chunks);

    CHECK(db.storage->output(jobs[0].token.job, 0, 0).empty());
    CHECK(db.storage->output(jobs[1].token.job, 0, 0).size() == 1);
}

STORAGE_TEST("output: goes when its attempt is settled, and the next attempt's stays")
{
    const JobId id = db.enqueue();
    const ClaimedJob first = db.claim_one(alice);
    write(db, first.token, 1, "first");
    RunReport report = ended(RunEnd::released);
    report.wrote_live_output = true;
    REQUIRE(db.settle(first, report) == Settled::applied);
    CHECK(db.storage->output(id, 0, 0).empty());

    const ClaimedJob second = db.claim_one(alice);
    write(db, second.token, 1, "second");
    CHECK(db.storage->output(id, 0, 0).size() == 1);
    report = succeeded();
    report.wrote_live_output = true;
    REQUIRE(db.settle(second, report) == Settled::applied);
    CHECK(db.storage->output(id, 0, 0).empty());
}

STORAGE_TEST("output: a stale settle leaves the live attempt's output alone")
{
    const JobId id = db.enqueue();
    const ClaimedJob stale = db.claim_one(alice);
    db.backend->end_lease(alice);
    REQUIRE(db.rescue() == std::vector{id});
    const ClaimedJob live = db.claim_one(bob);
    write(db, live.token, 1, "live");
    RunReport report = succeeded();
    report.wrote_live_output = true;

    CHECK(db.settle(stale, report) == Settled::lost);

    CHECK(db.storage->output(id, 0, 0).size() == 1);
}

STORAGE_TEST("output: a job that completes itself leaves none behind for long")
{
    const JobId id = db.enqueue();
    const ClaimedJob job = db.claim_one(alice);
    write(db, job.token, 1, "text");
    db.backend->complete_by_sql(to_text(job.token), "1");
    RunReport report = succeeded();
    report.wrote_live_output = true;

    CHECK(db.settle(job, report) == Settled::completed_by_job);

    CHECK(db.storage->output(id, 0, 0).empty());
}

STORAGE_TEST("progress: the last word counts, and unsaid parts stay")
{
    const JobId id = db.enqueue();
    const ClaimedJob job = db.claim_one(alice);

    say(db, job.token, 10, "begun", R"({"row": 12345678901234567890.5})");
    say(db, job.token, 55.5, std::nullopt, std::nullopt);

    CHECK(db.backend->row("SELECT note, fence, percent FROM progress WHERE job_id = " + std::to_string(id)) ==
        "begun|1|55.5");
    const auto said = db.storage->progress(id);
    REQUIRE(said.has_value());
    CHECK(said->fence == 1);
    CHECK(said->percent == 55.5);
    CHECK(said->note == "begun");
    CHECK(said->checkpoint.value_or("").find("12345678901234567890.5") != std::string::npos);
    CHECK(said->updated_at.back() == 'Z');
    CHECK_FALSE(db.storage->progress(id + 1).has_value());
}

STORAGE_TEST("progress: several words about one job in one call")
{
    db.enqueue();
    const ClaimedJob job = db.claim_one(alice);
    const std::vector<Progress> words{
        {job.token, 1.0, "one", std::nullopt}, {job.token, 2.0, "two", std::nullopt}};

    db.storage->write_progress(words);

    CHECK(db.backend->row("SELECT note FROM progress") == "two");
}

STORAGE_TEST("progress: stale claims are passed over")
{
    const JobId id = db.enqueue();
    const ClaimedJob stale = db.claim_one(alice);
    db.backend->end_lease(alice);
    REQUIRE(db.rescue() == std::vector{id});
    say(db, stale.token, 90, "late", std::nullopt);
    CHECK(db.backend->row("SELECT count(*) FROM progress") == "0");

    const ClaimedJob live = db.claim_one(bob);
    say(db, live.token, 5, "live", std::nullopt);
    say(db, stale.token, 91, "later", std::nullopt);

    CHECK(db.backend->row("SELECT note FROM progress") == "live");
}

STORAGE_TEST("progress: a checkpoint outlives a failed attempt and goes with the job")
{
    const JobId id = db.enqueue();
    const ClaimedJob first = db.claim_one(alice);
    say(db, first.token, 50, std::nullopt, R"({"at": 7})");
    RunReport report = ended(RunEnd::failed);
    report.wrote_live_output = true;
    REQUIRE(db.settle(first, report) == Settled::applied);
    CHECK(db.backend->row("SELECT checkpoint FROM progress").find('7') != std::string::npos);

    db.backend->bring_forward(id, 1h);
    static_cast<void>(db.storage->promote(10));
    report = succeeded();
    report.wrote_live_output = true;
    REQUIRE(db.settle(db.claim_one(alice), report) == Settled::applied);
    CHECK(db.backend->row("SELECT count(*) FROM progress") == "0");
}

STORAGE_TEST("cancel request: reaches the worker that runs the job, once more only if asked again")
{
    const JobId id = db.enqueue();
    const ClaimedJob job = db.claim_one(alice);
    CHECK(db.storage->cancel_requests(alice).empty());

    REQUIRE(db.act(JobAction::cancel, id).result == ActionResult::requested);
    REQUIRE(db.act(JobAction::cancel, id).result == ActionResult::requested);

    const auto requests = db.storage->cancel_requests(alice);
    REQUIRE(requests.size() == 1);
    CHECK(requests[0].token == job.token);
    CHECK(db.storage->cancel_requests(bob).empty());
    CHECK(db.state(id) == JobState::running);
}

STORAGE_TEST("checkpoint: none with a first claim, the last one with the next, and it is read back with a "
             "claim in doubt")
{
    db.enqueue();
    const ClaimedJob first = db.claim_one(alice);
    CHECK_FALSE(first.checkpoint.has_value());
    say(db, first.token, 10, std::nullopt, R"({"at":1})");
    say(db, first.token, 20, std::nullopt, R"({"at":2})");
    say(db, first.token, 30, "no checkpoint in this one", std::nullopt);
    REQUIRE(db.settle(first, ended(RunEnd::released)) == Settled::applied);

    ClaimRequest request = db.request(bob, 1);
    const auto second = db.storage->claim(request);

    REQUIRE(second.size() == 1);
    REQUIRE(second[0].checkpoint.has_value());
    CHECK(second[0].checkpoint->find("2") != std::string::npos);
    const auto read_back = db.storage->claimed_in(bob, request.batch);
    REQUIRE(read_back.size() == 1);
    CHECK(read_back[0].checkpoint == second[0].checkpoint);
}

STORAGE_TEST("checkpoint: a rescued job is handed what its lost worker wrote, and a stale claim writes none")
{
    const JobId id = db.enqueue();
    const ClaimedJob lost = db.claim_one(alice);
    say(db, lost.token, 10, std::nullopt, R"({"at":"lost"})");
    db.backend->end_lease(alice);
    REQUIRE(db.rescue() == std::vector{id});
    say(db, lost.token, 20, std::nullopt, R"({"at":"stale"})");

    const ClaimedJob live = db.claim_one(bob);

    REQUIRE(live.checkpoint.has_value());
    CHECK(live.checkpoint->find("lost") != std::string::npos);
}

STORAGE_TEST("checkpoint: a job that is replaced begins from the beginning, whether it runs or waits")
{
    const NewJob job{.kind = "email", .args = R"({"to":"ann"})", .unique_key = "k"};
    const NewJob other{.kind = "email", .args = R"({"to":"bob"})", .unique_key = "k"};
    db.enqueue(job);
    const ClaimedJob running = db.claim_one(alice);
    say(db, running.token, 10, std::nullopt, R"({"at":1})");
    static_cast<void>(db.enqueue_on_conflict(other, OnConflict::replace));
    say(db, running.token, 20, std::nullopt, R"({"at":2})");
    REQUIRE(db.settle(running, succeeded()) == Settled::applied);

    const ClaimedJob again = db.claim_one(alice);
    CHECK_FALSE(again.checkpoint.has_value());
    say(db, again.token, 10, std::nullopt, R"({"at":3})");
    REQUIRE(db.settle(again, ended(RunEnd::released)) == Settled::applied);
    static_cast<void>(db.enqueue_on_conflict(job, OnConflict::replace));
    static_cast<void>(db.storage->promote(10));

    CHECK_FALSE(db.claim_one(alice).checkpoint.has_value());
}

STORAGE_TEST("checkpoint: kept through whatever way an attempt ends that is not the job's end")
{
    db.enqueue();
    for (const RunEnd end : {RunEnd::failed, RunEnd::snoozed, RunEnd::released, RunEnd::timed_out}) {
        const ClaimedJob job = db.claim_one(alice);
        CAPTURE(static_cast<int>(end));
        if (job.token.fence == 1) {
            say(db, job.token, 10, std::nullopt, R"({"big": 12345678901234567890})");
        } else {
            REQUIRE(job.checkpoint.has_value());
            CHECK(job.checkpoint->find("12345678901234567890") != std::string::npos);
        }
        RunReport report = ended(end);
        report.wrote_live_output = true;
        report.delay = 0ms;
        REQUIRE(db.settle(job, report) == Settled::applied);
        db.backend->bring_forward(job.token.job, 1h);
        static_cast<void>(db.storage->promote(10));
    }
}

STORAGE_TEST(
    "checkpoint: a job whose arguments are edited begins from the beginning, one that is only moved does not")
{
    const JobId id = db.enqueue();
    const ClaimedJob first = db.claim_one(alice);
    say(db, first.token, 10, std::nullopt, R"({"at":1})");
    REQUIRE(db.settle(first, ended(RunEnd::released)) == Settled::applied);
    static_cast<void>(db.storage->act(
        {.action = JobAction::edit, .changes = R"({"priority":0,"tags":["moved"]})"}, {&id, 1}));
    const ClaimedJob second = db.claim_one(alice);
    CHECK(second.checkpoint.has_value());
    REQUIRE(db.settle(second, ended(RunEnd::released)) == Settled::applied);

    static_cast<void>(
        db.storage->act({.action = JobAction::edit, .changes = R"({"args":{"to":"bob"}})"}, {&id, 1}));

    CHECK_FALSE(db.claim_one(alice).checkpoint.has_value());
}

STORAGE_TEST("checkpoint: a dead job that is retried by hand begins from the beginning")
{
    const JobId id = db.enqueue();
    const ClaimedJob first = db.claim_one(alice);
    say(db, first.token, 10, std::nullopt, R"({"at":1})");
    REQUIRE(db.settle(first, ended(RunEnd::failed_for_good)) == Settled::applied);
    CHECK(db.state(id) == JobState::dead);
    REQUIRE(db.act(JobAction::retry, id).result == ActionResult::done);

    CHECK_FALSE(db.claim_one(alice).checkpoint.has_value());
}
