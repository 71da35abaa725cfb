// Schedules: due times, overlap, and what people do with them.
#include "storage/storage_fixture.hpp"

using namespace jobrunner;
using namespace jobrunner::tests;

namespace {

using std::chrono::sys_seconds;

const sys_seconds noon{std::chrono::sys_days(std::chrono::year(2026) / 6 / 1) + 12h};

NewSchedule nightly(const std::string& overlap = "allow")
{
    NewSchedule schedule;
    schedule.name = "nightly";
    schedule.expression = "0 2 * * *";
    schedule.kind = "email";
    schedule.args = R"({"to": "ada@example.com"})";
    schedule.overlap = overlap;
    return schedule;
}

void put(StorageFixture& db, const NewSchedule& schedule)
{
    db.storage->put_schedules({&schedule, 1}, "tests", false);
}

ScheduleRow row(StorageFixture& db, const std::string& name = "nightly")
{
    for (auto& one : db.storage->schedules()) {
        if (one.declared.name == name) {
            return one;
        }
    }
    FAIL("no such schedule: " << name);
    return {};
}

ScheduleFiring firing(std::vector<ScheduleRun> runs, std::optional<sys_seconds> due, sys_seconds next)
{
    return {"nightly", "0 2 * * *", "UTC", due, {std::move(runs), next}};
}

// The outcomes of the latest runs, oldest first.
std::string outcomes(StorageFixture& db)
{
    std::string words;
    for (const auto& run : db.storage->schedule_runs("nightly", 100)) {
        words = run.outcome + (words.empty() ? "" : " ") + words;
    }
    return words;
}

// Puts the schedule and fires it for `runs` due times, a minute apart from noon.
void fire_from_noon(StorageFixture& db, const NewSchedule& schedule, int runs)
{
    put(db, schedule);
    REQUIRE(db.storage->fire_schedule(firing({}, std::nullopt, noon)));
    for (int i = 0; i < runs; ++i) {
        REQUIRE(
            db.storage->fire_schedule(firing({{noon + i * 1min}}, noon + i * 1min, noon + (i + 1) * 1min)));
    }
}

} // namespace

STORAGE_TEST("schedules: a new one is looked at now, and then when it is due")
{
    CHECK_FALSE(db.storage->schedule_outlook().next.has_value());
    put(db, nightly());

    CHECK(db.storage->schedule_outlook().next == 0ms);
    CHECK(db.storage->probe({}).schedules.next == 0ms);
    const auto due = db.storage->due_schedules(10);
    REQUIRE(due.size() == 1);
    CHECK(due[0].name == "nightly");
    CHECK(due[0].expression == "0 2 * * *");
    CHECK(due[0].time_zone == "UTC");
    CHECK_FALSE(due[0].due.has_value());

    REQUIRE(db.storage->fire_schedule(firing({}, std::nullopt, due[0].now + 1h)));
    const auto next = db.storage->schedule_outlook().next;
    REQUIRE(next.has_value());
    CHECK(*next > 59min);
    CHECK(*next <= 1h + 1s);
    CHECK(db.storage->probe({}).schedules.next > 59min);
    CHECK(db.storage->due_schedules(10).empty());
}

STORAGE_TEST("schedules: a due time enqueues one job that carries kind, args, columns and the due time")
{
    auto schedule = nightly();
    schedule.options = R"({"queue": "bulk", "priority": 3, "tags": ["night"], "meta": {"team": "ops"}})";
    put(db, schedule);
    REQUIRE(db.storage->fire_schedule(firing({}, std::nullopt, noon)));

    CHECK(db.storage->fire_schedule(firing({{noon, 90s}}, noon, noon + 24h)));

    const auto jobs = db.storage->list({});
    REQUIRE(jobs.size() == 1);
    CHECK(jobs[0].kind == "email");
    CHECK(jobs[0].queue == "bulk");
    CHECK(jobs[0].priority == 3);
    CHECK(jobs[0].tags == std::vector<std::string>{"night"});
    CHECK(jobs[0].run_at == "2026-06-01T12:01:30.000Z");
    CHECK(jobs[0].args.find("ada@example.com") != std::string::npos);
    CHECK(jobs[0].meta.find("2026-06-01T12:00:00.000Z") != std::string::npos);
    CHECK(jobs[0].meta.find("ops") != std::string::npos);
    CHECK(db.backend->row("SELECT schedule FROM jobs") == "nightly");
    CHECK(row(db).next_at == "2026-06-02T12:00:00.000Z");
    const auto runs = db.storage->schedule_runs("nightly", 10);
    REQUIRE(runs.size() == 1);
    CHECK(runs[0].due_at == "2026-06-01T12:00:00.000Z");
    CHECK(runs[0].job == jobs[0].id);
    CHECK(runs[0].outcome == "enqueued");
}

STORAGE_TEST("schedules: a due time that several workers come to at once enqueues once")
{
    put(db, nightly());
    REQUIRE(db.storage->fire_schedule(firing({}, std::nullopt, noon)));
    const auto other = db.open();
    const auto fire = firing({{noon}}, noon, noon + 24h);

    CHECK(db.storage->fire_schedule(fire));
    CHECK_FALSE(other->fire_schedule(fire));
    // One that was set back all the same finds the due time noted.
    db.backend->run_sql("UPDATE schedules SET next_at = '2026-06-01T12:00:00.000Z'");
    CHECK(other->fire_schedule(fire));

    CHECK(db.storage->list({}).size() == 1);
    CHECK(outcomes(db) == "enqueued");
}

STORAGE_TEST("schedules: what was worked out from an older row is not done")
{
    put(db, nightly());
    REQUIRE(db.storage->fire_schedule(firing({}, std::nullopt, noon)));
    const auto fire = firing({{noon}}, noon, noon + 24h);

    auto changed = nightly();
    changed.expression = "0 3 * * *";
    put(db, changed);
    CHECK_FALSE(row(db).next_at.has_value());
    CHECK_FALSE(db.storage->fire_schedule(fire));

    put(db, nightly());
    REQUIRE(db.storage->fire_schedule(firing({}, std::nullopt, noon)));
    CHECK(db.storage->pause_schedule("nightly", "tester"));
    CHECK_FALSE(db.storage->fire_schedule(fire));
    CHECK_FALSE(db.storage->schedule_outlook().next.has_value());
    CHECK(db.storage->due_schedules(10).empty());
    CHECK(db.storage->list({}).empty());

    CHECK(db.storage->resume_schedule("nightly", "tester"));
    CHECK(db.storage->due_schedules(10).size() == 1);
}

STORAGE_TEST("schedules: overlap allow enqueues beside an unfinished run")
{
    fire_from_noon(db, nightly("allow"), 2);

    CHECK(outcomes(db) == "enqueued enqueued");
}

STORAGE_TEST("schedules: overlap skip leaves a due time out while a run is unfinished")
{
    fire_from_noon(db, nightly("skip"), 2);
    CHECK(outcomes(db) == "enqueued skipped");

    REQUIRE(db.settle(db.claim_one(alice), succeeded()) == Settled::applied);
    REQUIRE(db.storage->fire_schedule(firing({{noon + 2min}}, noon + 2min, noon + 3min)));
    CHECK(outcomes(db) == "enqueued skipped enqueued");
}

STORAGE_TEST("schedules: overlap queue holds due times back, one after the other, in order")
{
    fire_from_noon(db, nightly("queue"), 3);
    CHECK(outcomes(db) == "enqueued waiting waiting");
    CHECK(db.storage->schedule_outlook().waiting);
    CHECK(db.storage->probe({}).schedules.waiting);
    db.storage->release_runs();
    CHECK(outcomes(db) == "enqueued waiting waiting");

    REQUIRE(db.settle(db.claim_one(alice), succeeded()) == Settled::applied);
    db.storage->release_runs();
    CHECK(outcomes(db) == "enqueued enqueued waiting");
    db.storage->release_runs();
    CHECK(outcomes(db) == "enqueued enqueued waiting");

    const auto second = db.claim_one(alice);
    CHECK(db.job(second.token.job).meta.find("12:01:00") != std::string::npos);
    REQUIRE(db.settle(second, ended(RunEnd::failed_for_good)) == Settled::applied);
    db.storage->release_runs();
    CHECK(outcomes(db) == "enqueued enqueued enqueued");
    CHECK_FALSE(db.storage->schedule_outlook().waiting);
}

STORAGE_TEST("schedules: at most a hundred due times wait, and none of a paused schedule is let go")
{
    fire_from_noon(db, nightly("queue"), 105);
    CHECK(db.backend->row("SELECT count(*) FROM schedule_runs WHERE outcome = 'waiting'") == "100");
    CHECK(db.backend->row("SELECT count(*) FROM schedule_runs WHERE outcome = 'skipped'") == "4");

    REQUIRE(db.storage->pause_schedule("nightly", "tester"));
    REQUIRE(db.settle(db.claim_one(alice), succeeded()) == Settled::applied);
    db.storage->release_runs();
    CHECK(db.backend->row("SELECT count(*) FROM jobs") == "0");
}

STORAGE_TEST("schedules: overlap replace cancels unfinished runs")
{
    fire_from_noon(db, nightly("replace"), 1);
    const auto running = db.claim_one(alice);
    REQUIRE(db.storage->fire_schedule(firing({{noon + 1min}}, noon + 1min, noon + 2min)));
    REQUIRE(db.storage->fire_schedule(firing({{noon + 2min}}, noon + 2min, noon + 3min)));

    CHECK(outcomes(db) == "enqueued enqueued enqueued");
    CHECK(db.storage->cancel_requests(alice).size() == 1);
    CHECK(db.state(running.token.job) == JobState::running);
    JobFilter cancelled;
    cancelled.states = {JobState::cancelled};
    CHECK(db.storage->list(cancelled).size() == 1);
    CHECK(db.backend->row("SELECT count(*) FROM jobs") == "2");
}

STORAGE_TEST("schedules: a held unique_key skips a due time, a refused column is said")
{
    auto schedule = nightly();
    schedule.options = R"({"unique_key": "only"})";
    fire_from_noon(db, schedule, 2);
    CHECK(outcomes(db) == "enqueued skipped");
    CHECK_FALSE(row(db).problem.has_value());

    schedule.options = R"({"priority": "high"})";
    schedule.name = "nightly";
    put(db, schedule);
    REQUIRE(db.storage->fire_schedule(firing({{noon + 2min}}, noon + 2min, noon + 3min)));
    CHECK(outcomes(db) == "enqueued skipped refused");
    CHECK(row(db).problem.has_value());
    CHECK(row(db).next_at == "2026-06-01T12:03:00.000Z");

    put(db, nightly());
    REQUIRE(db.storage->fire_schedule(firing({{noon + 3min}}, noon + 3min, noon + 4min)));
    CHECK_FALSE(row(db).problem.has_value());
}

STORAGE_TEST("schedules: one that cannot be worked out is set aside until it is changed")
{
    put(db, nightly());
    const auto due = db.storage->due_schedules(10);
    REQUIRE(due.size() == 1);

    db.storage->fail_schedule(due[0], "it is not due within ten years");
    CHECK(row(db).problem == "it is not due within ten years");
    CHECK(db.storage->due_schedules(10).empty());
    CHECK_FALSE(db.storage->schedule_outlook().next.has_value());

    db.backend->run_sql("UPDATE schedules SET expression = '0 4 * * *'");
    CHECK_FALSE(row(db).problem.has_value());
    CHECK(db.storage->due_schedules(10).size() == 1);
}

STORAGE_TEST("schedules: a source's schedules become those that are given; pauses and other sources stay")
{
    put(db, nightly());
    NewSchedule one = nightly();
    one.name = "one";
    NewSchedule two = nightly();
    two.name = "two";
    const std::vector<NewSchedule> both{one, two};
    db.storage->put_schedules(both, "config", true);
    REQUIRE(db.storage->pause_schedule("one", "tester"));

    one.kind = "report";
    db.storage->put_schedules({&one, 1}, "config", true);

    CHECK(db.storage->schedules().size() == 2);
    CHECK(row(db, "one").declared.kind == "report");
    CHECK(row(db, "one").paused_at.has_value());
    CHECK(row(db, "one").source == "config");
    CHECK(row(db).source == "tests");
    db.storage->put_schedules({}, "config", true);
    CHECK(db.storage->schedules().size() == 1);
}

STORAGE_TEST("schedules: written again unchanged, the next due time stays")
{
    put(db, nightly());
    REQUIRE(db.storage->fire_schedule(firing({}, std::nullopt, noon)));

    put(db, nightly());

    CHECK(row(db).next_at == "2026-06-01T12:00:00.000Z");
}

STORAGE_TEST("schedules: run now, remove, and names that are not there")
{
    put(db, nightly("skip"));
    const JobId first = db.storage->run_schedule("nightly", "tester");
    const JobId second = db.storage->run_schedule("nightly", "tester");
    const JobId third = db.storage->run_schedule("nightly", "tester");

    CHECK(first != second);
    CHECK(second != third);
    CHECK(db.state(second) == JobState::available);
    CHECK(outcomes(db) == "run now run now run now");
    CHECK(db.storage->remove_schedule("nightly", "tester"));
    CHECK(db.storage->schedules().empty());
    CHECK(db.storage->schedule_runs("nightly", 10).empty());
    CHECK(db.storage->list({}).size() == 3);
    CHECK(db.backend->row("SELECT count(*) FROM operator_audit WHERE actor = 'tester'") == "4");

    CHECK_FALSE(db.storage->remove_schedule("nightly", "tester"));
    CHECK_FALSE(db.storage->pause_schedule("nightly", "tester"));
    CHECK_FALSE(db.storage->resume_schedule("nightly", "tester"));
    CHECK(StorageFixture::error_of([&] { (void)db.storage->run_schedule("nightly", "tester"); }).kind() ==
        ErrorKind::not_found);

    auto unique = nightly();
    unique.options = R"({"unique_key": "only"})";
    put(db, unique);
    (void)db.storage->run_schedule("nightly", "tester");
    CHECK(StorageFixture::error_of([&] { (void)db.storage->run_schedule("nightly", "tester"); }).kind() ==
        ErrorKind::not_possible);
}

STORAGE_TEST("schedules: the latest thousand runs of each are kept")
{
    put(db, nightly());
    REQUIRE(db.storage->fire_schedule(firing({}, std::nullopt, noon)));
    std::vector<ScheduleRun> runs;
    for (int i = 0; i < 1005; ++i) {
        runs.push_back({noon + i * 1s});
    }
    REQUIRE(db.storage->fire_schedule(firing(runs, noon, noon + 1h)));

    db.storage->tidy({});

    CHECK(db.backend->row("SELECT count(*) FROM schedule_runs") == "1000");
    CHECK(db.storage->schedule_runs("nightly", 1).at(0).due_at == "2026-06-01T12:16:44.000Z");
}

STORAGE_TEST("schedules: values that the tables do not hold are refused")
{
    const auto refused = [&](auto change) {
        auto schedule = nightly();
        change(schedule);
        return StorageFixture::error_of([&] { put(db, schedule); }).kind() == ErrorKind::refused;
    };

    CHECK(refused([](NewSchedule& bad) { bad.overlap = "never"; }));
    CHECK(refused([](NewSchedule& bad) { bad.missed = "all"; }));
    CHECK(refused([](NewSchedule& bad) { bad.missed = "all up to 1001"; }));
    CHECK(refused([](NewSchedule& bad) { bad.args = "[]"; }));
    CHECK(refused([](NewSchedule& bad) { bad.jitter = 25h; }));
    CHECK(db.storage->schedules().empty());
    auto good = nightly();
    good.missed = "all up to 1000";
    CHECK_NOTHROW(put(db, good));
}
