#include "core/settlement.hpp"

#include <doctest/doctest.h>

using namespace jobrunner;
using namespace std::chrono_literals;

namespace {

ClaimedJob claimed(int attempt, int attempt_limit)
{
    ClaimedJob job;
    job.token = {.job = 1, .fence = 4, .worker = 9};
    job.kind = "email";
    job.attempt = attempt;
    job.attempt_limit = attempt_limit;
    return job;
}

KindPolicy policy()
{
    KindPolicy policy;
    policy.kind = "email";
    policy.retry = {.base = 10s, .factor = 2.0, .cap = 1h, .jitter = 0.5};
    policy.snooze = 3min;
    policy.keep = 48h;
    policy.max_give_backs = 2;
    return policy;
}

RunReport report(RunEnd end)
{
    RunReport report;
    report.end = end;
    report.error = "boom 17";
    report.error_class = "Bad";
    return report;
}

Settlement decided(RunEnd end, int attempt = 1, int attempt_limit = 3)
{
    return decide(claimed(attempt, attempt_limit), policy(), report(end), 0.5);
}

AbandonedJob lost(int attempt, int crashes)
{
    AbandonedJob job;
    job.token = {.job = 1, .fence = 4, .worker = 9};
    job.kind = "email";
    job.attempt = attempt;
    job.attempt_limit = 3;
    job.crashes = crashes;
    job.retry_delay = 20s;
    return job;
}

} // namespace

TEST_CASE("decide: success completes and is kept as the kind says")
{
    KindPolicy wanted = policy();
    wanted.notify = true;

    const Settlement settlement = decide(claimed(1, 3), wanted, report(RunEnd::succeeded), 0.5);

    CHECK(settlement.verdict == Verdict::complete);
    CHECK(settlement.outcome == "completed");
    CHECK(settlement.token == ClaimToken{.job = 1, .fence = 4, .worker = 9});
    CHECK(settlement.kind == "email");
    CHECK(settlement.keep == 48h);
    CHECK(settlement.reason.empty());
}

TEST_CASE("decide: a failure is tried again after the kind's wait, spread by chance")
{
    const Settlement settlement = decided(RunEnd::failed, 2);

    CHECK(settlement.verdict == Verdict::requeue);
    CHECK(settlement.outcome == "failed");
    CHECK(settlement.delay == 20s);
    CHECK(settlement.refund == 0);
    CHECK(settlement.reason == "attempt 2 of 3 failed");
    CHECK(decide(claimed(2, 3), policy(), report(RunEnd::failed), 0.0).delay == 10s);
}

TEST_CASE("decide: a wait that the job asks for wins")
{
    RunReport asked = report(RunEnd::failed);
    asked.delay = 7s;

    CHECK(decide(claimed(1, 3), policy(), asked, 0.5).delay == 7s);
}

TEST_CASE("decide: out of attempts is dead")
{
    for (const auto end :
        {RunEnd::failed, RunEnd::killed, RunEnd::out_of_memory, RunEnd::timed_out, RunEnd::crashed}) {
        const Settlement settlement = decided(end, 3);
        CHECK(settlement.verdict == Verdict::dead);
        CHECK(settlement.reason == "out of attempts (3 of 3)");
        CHECK(settlement.fingerprint == error_fingerprint("Bad", "boom 99"));
    }
    CHECK(decided(RunEnd::failed, 4).verdict == Verdict::dead);
}

TEST_CASE("decide: a failure for good is dead at the first attempt")
{
    const Settlement settlement = decided(RunEnd::failed_for_good);

    CHECK(settlement.verdict == Verdict::dead);
    CHECK(settlement.outcome == "failed");
    CHECK(settlement.reason == "failed for good");
}

TEST_CASE("decide: a timeout says so")
{
    const Settlement settlement = decided(RunEnd::timed_out);

    CHECK(settlement.verdict == Verdict::requeue);
    CHECK(settlement.outcome == "timed_out");
    CHECK(settlement.reason == "attempt 1 of 3 timed out");
}

TEST_CASE("decide: a death by signal and one for want of memory say so")
{
    CHECK(decided(RunEnd::killed).outcome == "killed");
    CHECK(decided(RunEnd::killed).reason == "attempt 1 of 3 was killed");
    CHECK(decided(RunEnd::out_of_memory).outcome == "out_of_memory");
    CHECK(decided(RunEnd::out_of_memory).reason == "attempt 1 of 3 ran out of memory");
}

TEST_CASE("decide: a snooze gives its attempt back, for as long as asked or as the kind says")
{
    const Settlement settlement = decided(RunEnd::snoozed, 3);
    CHECK(settlement.verdict == Verdict::requeue);
    CHECK(settlement.refund == 1);
    CHECK(settlement.delay == 3min);

    RunReport asked = report(RunEnd::snoozed);
    asked.delay = 5s;
    CHECK(decide(claimed(1, 3), policy(), asked, 0.5).delay == 5s);
}

TEST_CASE("decide: a cancelled job is finished")
{
    const Settlement settlement = decided(RunEnd::cancelled);

    CHECK(settlement.verdict == Verdict::cancelled);
    CHECK(settlement.outcome == "cancelled");
}

TEST_CASE("decide: a give-back costs no attempt, until there were too many")
{
    ClaimedJob job = claimed(3, 3);
    job.give_backs = 1;
    const Settlement free = decide(job, policy(), report(RunEnd::released), 0.5);
    CHECK(free.verdict == Verdict::requeue);
    CHECK(free.refund == 1);
    CHECK(free.delay == 0ms);

    job.give_backs = 2;
    const Settlement last = decide(job, policy(), report(RunEnd::released), 0.5);
    CHECK(last.verdict == Verdict::dead);
    CHECK(last.refund == 0);

    job.attempt = 1;
    const Settlement costly = decide(job, policy(), report(RunEnd::released), 0.5);
    CHECK(costly.verdict == Verdict::requeue);
    CHECK(costly.refund == 0);
}

TEST_CASE("abandoned: the first crash runs again at once, later ones wait, and the last is death")
{
    const Settlement first = decide_abandoned(lost(1, 0));
    CHECK(first.verdict == Verdict::requeue);
    CHECK(first.outcome == "crashed");
    CHECK(first.delay == 0ms);
    CHECK(first.refund == 0);
    CHECK(first.token == ClaimToken{.job = 1, .fence = 4, .worker = 9});

    CHECK(decide_abandoned(lost(2, 1)).delay == 20s);
    CHECK(decide_abandoned(lost(3, 2)).verdict == Verdict::dead);
    CHECK(decide_abandoned(lost(3, 0)).verdict == Verdict::dead);
}

TEST_CASE("fingerprint: numbers and quoted text do not count, words and the class do")
{
    const auto mark = [](std::string_view error) { return error_fingerprint("Bad", error); };

    CHECK(mark("row 1 of \"a\" failed") == mark("row 22 of \"bcd\" failed"));
    CHECK(mark("row 'x' failed") == mark("row 'yz' failed"));
    CHECK(mark("row failed") != mark("column failed"));
    CHECK(error_fingerprint("A", "x") != error_fingerprint("B", "x"));
    CHECK(mark("").size() == 16);
    CHECK(mark("at 0x7ffe12ab broke") == mark("at 0x5581cd09 broke"));
    CHECK(mark("no 550e8400-e29b-41d4-a716-446655440000") == mark("no 123e4567-e89b-12d3-a456-426614174abc"));
    CHECK(mark("md5sum failed") != mark("sha256sum failed"));
    CHECK(mark("bad face") != mark("bad beef"));
}
