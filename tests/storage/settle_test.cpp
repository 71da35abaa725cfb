#include "storage/storage_fixture.hpp"

#include <algorithm>

using namespace jobrunner;
using namespace jobrunner::tests;

STORAGE_TEST("complete: the job is finished and keeps what it returned and used")
{
    const JobId id = db.enqueue({.kind = "email", .args = R"({"to": "a"})"});
    const ClaimedJob job = db.claim_one(alice);
    RunReport report = succeeded(R"({"sent": true, "text": "ü\u00e4"})");
    report.output = "line 1\nline 2 \xC3\xBC\n";
    report.cpu_ms = 12;
    report.max_rss_bytes = 9'000'000'000;
    report.read_bytes = 8'000'000'000;
    report.write_bytes = 4096;

    CHECK(db.settle(job, report) == Settled::applied);

    const JobRow row = db.job(id);
    CHECK(row.state == JobState::completed);
    CHECK(row.result.value_or("").find("sent") != std::string::npos);
    CHECK(row.output == report.output);
    CHECK(row.cpu_ms == 12);
    CHECK(row.max_rss_bytes == 9'000'000'000);
    CHECK(row.read_bytes == 8'000'000'000);
    CHECK(row.write_bytes == 4096);
    CHECK(row.worker == alice);
    CHECK(row.attempt == 1);
    CHECK(row.fence == 1);
    CHECK(row.finished_at.has_value());
    CHECK(row.started_at == row.claimed_at);
    CHECK_FALSE(row.reason.has_value());
    CHECK(db.storage->attempts(id).empty());
    CHECK(db.backend->row("SELECT count(*) FROM jobs") == "0");
}

STORAGE_TEST("complete: without result and output there is none")
{
    const JobId id = db.enqueue();

    CHECK(db.settle(db.claim_one(alice), succeeded()) == Settled::applied);

    CHECK_FALSE(db.job(id).result.has_value());
    CHECK_FALSE(db.job(id).output.has_value());
}

STORAGE_TEST("complete: results and outputs of several jobs stay with their own")
{
    const auto ids = db.enqueue_several(3);
    auto jobs = db.claim(alice, 3);
    REQUIRE(jobs.size() == 3);
    std::vector<Settlement> settlements;
    settlements.push_back(db.decision(jobs[2], succeeded("\"third\"")));
    settlements.push_back(db.decision(jobs[0], succeeded()));
    RunReport printed = succeeded();
    printed.output = "second";
    settlements.push_back(db.decision(jobs[1], printed));

    CHECK(db.storage->settle(settlements, alice, {}) == std::vector(3, Settled::applied));

    CHECK_FALSE(db.job(ids[0]).result.has_value());
    CHECK_FALSE(db.job(ids[0]).output.has_value());
    CHECK(db.job(ids[1]).output == "second");
    CHECK(db.job(ids[2]).result == "\"third\"");
}

STORAGE_TEST("complete: what a job prints may be no text at all")
{
    const JobId id = db.enqueue();
    const ClaimedJob job = db.claim_one(alice);
    RunReport report = succeeded(R"({"nul": "\u0000", "lone": "\ud800"})");
    report.output = std::string("a\0b\xFF"
                                "c",
        5);

    CHECK(db.settle(job, report) == Settled::applied);

    CHECK(db.job(id).output ==
        "a\xEF\xBF\xBD"
        "b\xEF\xBF\xBD"
        "c");
    CHECK(db.job(id).result.has_value());
}

STORAGE_TEST("complete: a kind that keeps nothing leaves no row")
{
    const JobId id = db.enqueue();
    Settlement settlement = db.decision(db.claim_one(alice), succeeded());
    settlement.keep = 0ms;

    CHECK(db.settle(settlement) == Settled::applied);

    CHECK_FALSE(db.storage->find(id).has_value());
    CHECK(db.storage->list({}).empty());
}

STORAGE_TEST("complete: a kind that keeps for ever outlives tidying")
{
    const JobId id = db.enqueue();
    Settlement settlement = db.decision(db.claim_one(alice), succeeded());
    settlement.keep.reset();

    CHECK(db.settle(settlement) == Settled::applied);

    db.storage->tidy({});
    CHECK(db.state(id) == JobState::completed);
}

STORAGE_TEST("fail: the job waits for its next attempt, and the attempt is on record")
{
    const JobId id = db.enqueue();
    const ClaimedJob job = db.claim_one(alice);
    RunReport report = ended(RunEnd::failed, "no route to \"host\"\n\xFF");
    report.error_class = "NetError";
    report.backtrace = "net.rb:3\nmain.rb:1\n";
    report.exit_code = 3;
    report.cpu_ms = 7;
    report.max_rss_bytes = 1024;
    report.read_bytes = 512;
    report.write_bytes = 2048;
    report.output = "some";

    CHECK(db.settle(job, report) == Settled::applied);

    const JobRow row = db.job(id);
    CHECK(row.state == JobState::retryable);
    CHECK(row.attempt == 1);
    CHECK_FALSE(row.worker.has_value());
    CHECK(row.run_at > row.created_at);
    CHECK(row.reason.value_or("").find("failed") != std::string::npos);
    const auto attempts = db.storage->attempts(id);
    REQUIRE(attempts.size() == 1);
    CHECK(attempts[0].outcome == "failed");
    CHECK(attempts[0].fence == 1);
    CHECK(attempts[0].attempt == 1);
    CHECK(attempts[0].worker == alice);
    CHECK(attempts[0].error_class == "NetError");
    CHECK(attempts[0].error.value_or("").find("no route to \"host\"\n") == 0);
    CHECK(attempts[0].exit_code == 3);
    CHECK_FALSE(attempts[0].signal.has_value());
    CHECK(attempts[0].cpu_ms == 7);
    CHECK(attempts[0].max_rss_bytes == 1024);
    CHECK(attempts[0].read_bytes == 512);
    CHECK(attempts[0].write_bytes == 2048);
    CHECK(attempts[0].output == "some");
    CHECK(attempts[0].backtrace == "net.rb:3\nmain.rb:1\n");
    CHECK(attempts[0].started_at.has_value());
}

STORAGE_TEST("fail: not before its time, and then again with one more attempt")
{
    const JobId id = db.enqueue();
    REQUIRE(db.settle(db.claim_one(alice), ended(RunEnd::failed)) == Settled::applied);

    static_cast<void>(db.storage->promote(10));
    CHECK(db.claim(alice, 10).empty());
    db.backend->bring_forward(id, 2s);
    static_cast<void>(db.storage->promote(10));

    CHECK(db.state(id) == JobState::available);
    const ClaimedJob again = db.claim_one(bob);
    CHECK(again.token.fence == 2);
    CHECK(again.attempt == 2);
}

STORAGE_TEST("snooze: costs no attempt")
{
    const JobId id = db.enqueue();
    RunReport report = ended(RunEnd::snoozed);
    report.delay = 1h;

    CHECK(db.settle(db.claim_one(alice), report) == Settled::applied);

    const JobRow row = db.job(id);
    CHECK(row.state == JobState::scheduled);
    CHECK(row.attempt == 0);
    CHECK(row.snoozes == 1);
    CHECK(row.fence == 1);
    CHECK(db.outcomes(id) == std::vector<std::string>{"snoozed"});
    CHECK(db.storage->attempts(id)[0].attempt == 1);
}

STORAGE_TEST("give back: the job may run at once and it costs no attempt")
{
    const JobId id = db.enqueue();

    CHECK(db.settle(db.claim_one(alice), ended(RunEnd::released)) == Settled::applied);

    CHECK(db.job(id).give_backs == 1);
    CHECK(db.job(id).attempt == 0);
    const ClaimedJob again = db.claim_one(bob);
    CHECK(again.attempt == 1);
    CHECK(again.token.fence == 2);
    CHECK(again.give_backs == 1);
    CHECK(db.outcomes(id) == std::vector<std::string>{"released"});
}

STORAGE_TEST("fail: a timeout, a signal and a want of memory are failed attempts with words of their own")
{
    for (const auto& [end, word] : {std::pair(RunEnd::timed_out, "timed_out"),
             std::pair(RunEnd::killed, "killed"), std::pair(RunEnd::out_of_memory, "out_of_memory")}) {
        const JobId id = db.enqueue();

        CHECK(db.settle(db.claim_one(alice), ended(end, "as it is")) == Settled::applied);

        CHECK(db.state(id) == JobState::retryable);
        CHECK(db.outcomes(id) == std::vector<std::string>{word});
    }
}

STORAGE_TEST("dead: out of attempts, the job is kept with all of them")
{
    const JobId id = db.enqueue();
    for (int attempt = 1; attempt <= 3; ++attempt) {
        const ClaimedJob job = db.claim_one(alice);
        CHECK(job.attempt == attempt);
        CHECK(db.settle(job, ended(RunEnd::failed, "boom " + std::to_string(attempt))) == Settled::applied);
        if (attempt < 3) {
            db.backend->bring_forward(id, 1h);
            static_cast<void>(db.storage->promote(10));
        }
    }

    const JobRow row = db.job(id);
    CHECK(row.state == JobState::dead);
    CHECK(row.error == "boom 3");
    CHECK(row.reason.value_or("").find("3 of 3") != std::string::npos);
    CHECK(row.attempt == 3);
    CHECK(row.finished_at.has_value());
    CHECK(db.outcomes(id) == std::vector<std::string>{"failed", "failed", "failed"});
    CHECK(db.claim(bob, 10).empty());
}

STORAGE_TEST("dead: a failure for good needs no further attempts")
{
    const JobId id = db.enqueue();

    CHECK(db.settle(db.claim_one(alice), ended(RunEnd::failed_for_good, "bad data")) == Settled::applied);

    CHECK(db.state(id) == JobState::dead);
    CHECK(db.outcomes(id) == std::vector<std::string>{"failed"});
}

STORAGE_TEST("cancelled: a running job that was stopped is finished")
{
    const JobId id = db.enqueue();
    const ClaimedJob job = db.claim_one(alice);
    REQUIRE(db.act(JobAction::cancel, id).result == ActionResult::requested);

    CHECK(db.settle(job, ended(RunEnd::cancelled)) == Settled::applied);

    CHECK(db.state(id) == JobState::cancelled);
    CHECK(db.outcomes(id) == std::vector<std::string>{"cancelled"});
    CHECK(db.storage->cancel_requests(alice).empty());
}

STORAGE_TEST("settle: attempts of an unfinished job stay with it when it completes")
{
    const JobId id = db.enqueue();
    REQUIRE(db.settle(db.claim_one(alice), ended(RunEnd::released)) == Settled::applied);
    REQUIRE(db.settle(db.claim_one(bob), ended(RunEnd::failed, "once")) == Settled::applied);
    db.backend->bring_forward(id, 1h);
    static_cast<void>(db.storage->promote(10));
    const auto before = db.storage->attempts(id);

    REQUIRE(db.settle(db.claim_one(alice), succeeded()) == Settled::applied);

    const auto after = db.storage->attempts(id);
    REQUIRE(before.size() == 2);
    REQUIRE(after.size() == 2);
    for (std::size_t i = 0; i < 2; ++i) {
        CHECK(after[i].fence == before[i].fence);
        CHECK(after[i].outcome == before[i].outcome);
        CHECK(after[i].worker == before[i].worker);
        CHECK(after[i].started_at == before[i].started_at);
        CHECK(after[i].finished_at == before[i].finished_at);
        CHECK(after[i].error == before[i].error);
    }
    CHECK(db.backend->row("SELECT count(*) FROM attempt_log") == "0");
}

STORAGE_TEST("settle: a kind that records every attempt has the completing one on record, too")
{
    KindPolicy policy = policy_of("email");
    policy.record_every_attempt = true;
    db.storage->publish_kinds({&policy, 1}, "tests");
    const JobId at_once = db.enqueue();
    RunReport report = succeeded();
    report.cpu_ms = 7;
    report.max_rss_bytes = 1024;
    report.read_bytes = 512;
    report.write_bytes = 2048;
    report.output = "some";
    REQUIRE(db.settle(db.claim_one(alice), report) == Settled::applied);
    const JobId later = db.enqueue();
    REQUIRE(db.settle(db.claim_one(alice), ended(RunEnd::released)) == Settled::applied);
    REQUIRE(db.settle(db.claim_one(bob), succeeded()) == Settled::applied);
    const JobId by_itself = db.enqueue();
    db.backend->complete_by_sql(to_text(db.claim_one(alice).token), "1");
    const JobId of_other_kind = db.enqueue({.kind = "report"});
    REQUIRE(db.settle(db.claim_one(alice), succeeded()) == Settled::applied);

    const auto attempts = db.storage->attempts(at_once);
    REQUIRE(attempts.size() == 1);
    CHECK(attempts[0].outcome == "completed");
    CHECK(attempts[0].fence == 1);
    CHECK(attempts[0].attempt == 1);
    CHECK(attempts[0].worker == alice);
    CHECK(attempts[0].started_at == db.job(at_once).claimed_at);
    CHECK(attempts[0].cpu_ms == 7);
    CHECK(attempts[0].max_rss_bytes == 1024);
    CHECK(attempts[0].read_bytes == 512);
    CHECK(attempts[0].write_bytes == 2048);
    CHECK(attempts[0].output == "some");
    CHECK(db.outcomes(later) == std::vector<std::string>{"released", "completed"});
    CHECK(db.outcomes(by_itself) == std::vector<std::string>{"completed"});
    CHECK(db.outcomes(of_other_kind).empty());
    CHECK(db.backend->row("SELECT count(*) FROM attempt_log") == "0");
}

STORAGE_TEST("settle: nothing to settle is nothing done")
{
    CHECK(db.storage->settle({}, alice, {}).empty());
}

STORAGE_TEST("settle: all verdicts in one call, and the stale one among them stops no other")
{
    const auto ids = db.enqueue_several(6);
    auto jobs = db.claim(alice, 6);
    REQUIRE(jobs.size() == 6);
    ++jobs[2].token.fence;
    std::vector<Settlement> settlements;
    for (const auto& [which, end] :
        {std::pair{5, RunEnd::cancelled}, {2, RunEnd::succeeded}, {0, RunEnd::succeeded},
            {4, RunEnd::failed_for_good}, {1, RunEnd::failed}, {3, RunEnd::released}}) {
        settlements.push_back(db.decision(jobs[static_cast<std::size_t>(which)], ended(end)));
    }

    const auto results = db.storage->settle(settlements, alice, {});

    CHECK(results ==
        std::vector{Settled::applied, Settled::lost, Settled::applied, Settled::applied, Settled::applied,
            Settled::applied});
    CHECK(db.state(ids[0]) == JobState::completed);
    CHECK(db.state(ids[1]) == JobState::retryable);
    CHECK(db.state(ids[2]) == JobState::running);
    CHECK(db.state(ids[3]) == JobState::available);
    CHECK(db.state(ids[4]) == JobState::dead);
    CHECK(db.state(ids[5]) == JobState::cancelled);
}
