#include "web/problems.hpp"

#include "core/error.hpp"

#include "web/metrics.hpp"
#include "web_fixture.hpp"

#include <algorithm>

using namespace jobrunner;
using namespace jobrunner::tests;
using namespace std::chrono_literals;

namespace {

Snapshot quiet()
{
    Snapshot snapshot;
    snapshot.taken_at = WebFixture::now();
    WorkerRow worker;
    worker.name = "w1";
    worker.host = "h1";
    worker.state = "running";
    worker.slots = 5;
    worker.running = 2;
    snapshot.workers.push_back(worker);
    return snapshot;
}

QueueRow waiting(const std::string& name, Milliseconds age)
{
    QueueRow queue;
    queue.queue = name;
    queue.available = 3;
    queue.oldest_age = age;
    return queue;
}

std::vector<std::string> codes(const Snapshot& snapshot)
{
    std::vector<std::string> found;
    for (const auto& problem : find_problems(snapshot)) {
        found.push_back(problem.code);
    }
    return found;
}

MinuteStatsRow minute(const std::string& begin, std::int64_t completed, std::int64_t failed)
{
    MinuteStatsRow row{.begin = begin, .queue = "q", .counts = {.kind = "k"}};
    row.counts.completed = completed;
    row.counts.failed = failed;
    row.counts.run_ms = completed * 1500;
    return row;
}

using Codes = std::vector<std::string>;

} // namespace

TEST_CASE("problems: none where all is well")
{
    auto snapshot = quiet();
    snapshot.queues = {waiting("q", 1s)};
    snapshot.minutes = {minute("2026-01-31T09:59:00.000Z", 100, 5)};

    CHECK(codes(snapshot).empty());
}

TEST_CASE("problems: queues that nobody serves, that are late, and that are paused")
{
    auto snapshot = quiet();
    snapshot.queues = {waiting("q", 6min)};
    CHECK(codes(snapshot) == Codes{"queue_late"});

    snapshot.workers[0].queues = {"other"};
    CHECK(codes(snapshot) == Codes{"queue_unserved"});
    snapshot.queues = {waiting("q", 2s)};
    CHECK(codes(snapshot).empty());

    snapshot.queues = {waiting("q", 6min)};
    snapshot.queues[0].paused = true;
    CHECK(codes(snapshot) == Codes{"queue_paused"});
    snapshot.queues[0].available = 0;
    CHECK(codes(snapshot).empty());
}

TEST_CASE("problems: lost workers, and services that do not start")
{
    auto snapshot = quiet();
    snapshot.workers[0].report = R"({"held_back": [{"service": "mailer", "error": "boom"}]})";
    CHECK(find_problems(snapshot).at(0).text == "Service mailer does not start on worker w1.");
    for (const auto* odd : {"", "[]", "{\"held_back\": 5}", "{\"held_back\": [5]}"}) {
        snapshot.workers[0].report = odd;
        CHECK_NOTHROW((void)find_problems(snapshot));
    }
    snapshot.workers[0].state = "lost";
    CHECK(codes(snapshot) == Codes{"worker_lost"});
    snapshot.workers[0].state = "gone";
    CHECK(codes(snapshot).empty());
}

TEST_CASE("problems: kinds that fail and jobs that died lately, the worst first")
{
    auto snapshot = quiet();
    snapshot.minutes = {minute("2026-01-31T09:59:00.000Z", 5, 9)};
    CHECK(codes(snapshot).empty());
    snapshot.minutes.push_back(minute("2026-01-31T09:58:00.000Z", 0, 6));
    CHECK(find_problems(snapshot).at(0).text.find("75 %") == 0);
    snapshot.minutes[0].counts.dead = 1;
    CHECK(codes(snapshot) == Codes{"jobs_dead", "kind_failing"});
    for (auto& row : snapshot.minutes) {
        row.begin = "2026-01-31T09:40:00.000Z";
    }
    CHECK(codes(snapshot).empty());
}

TEST_CASE("problems: a database that is away, and a schedule set aside")
{
    auto snapshot = quiet();
    ScheduleRow schedule;
    schedule.declared.name = "nightly";
    schedule.problem = "no such time zone";
    snapshot.schedules = {schedule};
    snapshot.error = "could not connect to server at 10.0.0.1";

    CHECK(codes(snapshot) == Codes{"database_unreachable", "schedule_failed"});
    CHECK(find_problems(snapshot)[0].text.find("10.0.0.1") == std::string::npos);
}

TEST_CASE("problems: what doctor finds, but for what a snapshot itself shows")
{
    auto snapshot = quiet();
    snapshot.findings = {{"note", "queue_paused", "queue q is paused", "resume it"},
        {"warning", "held_snapshot", "a session of reports (pid 7) has held its snapshot for 00:10:00",
            "let it end"},
        {"error", "invalid_index", "index jobs_pkey is not valid", "REINDEX it"}};

    CHECK(codes(snapshot) == Codes{"invalid_index", "held_snapshot"});
    CHECK(find_problems(snapshot)[1].text ==
        "A session of reports (pid 7) has held its snapshot for 00:10:00. Let it end.");

    const auto metrics = metrics_text(snapshot, WebFixture::now());
    CHECK(metrics.find(R"(jobrunner_findings{code="held_snapshot",severity="warning"} 1)") !=
        std::string::npos);
    CHECK(metrics.find(R"(jobrunner_findings{code="queue_paused",severity="note"} 1)") != std::string::npos);
    CHECK(metrics.find(R"(jobrunner_problems{severity="error"} 1)") != std::string::npos);
}

TEST_CASE("findings: looked for once in a while, not with each snapshot")
{
    FakeStorage storage;
    FindingsWatch watch;
    storage.finding_rows = {{"error", "setting", "fsync is off", "switch it on"}};
    CHECK(watch.look(storage).size() == 1);
    storage.finding_rows.clear();
    CHECK(watch.look(storage).size() == 1);
}

TEST_CASE("findings: that they could not be looked for is one, and no failure of the page")
{
    struct : FakeStorage {
        std::vector<Finding> findings() override
        {
            if (finding_rows.empty()) {
                throw Error(ErrorKind::refused, "permission denied");
            }
            return finding_rows;
        }
    } storage;
    FindingsWatch watch;
    CHECK(watch.look(storage).at(0).code == "not_looked");
}

TEST_CASE("stats counters: only what came since the first reading, each piece once")
{
    StatsCounters counters;
    const QueueAndKind key{"q", "k"};
    const std::vector first{minute("2026-01-31T09:59:00.000Z", 10, 1)};
    counters.add(first);
    CHECK(counters.totals().at(key).completed == 0);

    const std::vector second{
        minute("2026-01-31T10:00:00.000Z", 3, 0), minute("2026-01-31T09:59:00.000Z", 12, 1)};
    counters.add(second);
    counters.add(second);
    CHECK(counters.totals().at(key).completed == 5);
    CHECK(counters.totals().at(key).run_ms == 7500);
    counters.add({});
    CHECK(counters.totals().at(key).completed == 5);
}

TEST_CASE("metrics: what is read stands in them, with labels that are kept whole and bounded")
{
    auto snapshot = quiet();
    snapshot.queues = {waiting("a\"b\\c\nd", 90s)};
    snapshot.queues[0].running = 2;
    snapshot.totals[{"q", "k"}] = minute("", 4, 2).counts;

    const auto text = metrics_text(snapshot, snapshot.taken_at + 3s);

    CHECK(text.find("jobrunner_up 1") != std::string::npos);
    CHECK(text.find("jobrunner_snapshot_age_seconds 3") != std::string::npos);
    CHECK(text.find(R"(jobrunner_jobs{queue="a\"b\\c\nd",state="available"} 3)") != std::string::npos);
    CHECK(text.find(R"(jobrunner_jobs_completed_total{queue="q",kind="k"} 4)") != std::string::npos);
    CHECK(text.find(R"(jobrunner_run_seconds_sum{queue="q",kind="k"} 6)") != std::string::npos);
    CHECK(text.find("jobrunner_slots 5") != std::string::npos);
    CHECK(text.find("jobrunner_slots_wanted 5") != std::string::npos);

    for (int i = 0; i < 1000; ++i) {
        snapshot.queues.push_back(waiting("queue-" + std::to_string(i), 1s));
        snapshot.totals[{"queue-" + std::to_string(i), "k"}].completed = 1;
    }
    const auto many = metrics_text(snapshot, snapshot.taken_at);
    CHECK(std::ranges::count(many, '\n') < 5000);
    const std::string settled = R"x(jobrunner_jobs_completed_total{queue="(others)",kind="(others)"} 801)x";
    const std::string jobs = R"x(jobrunner_jobs{queue="(others)",state="available"} 2403)x";
    CHECK(many.find(settled) != std::string::npos);
    CHECK(many.find(jobs) != std::string::npos);
}
