#include "worker/service_pool.hpp"

#include <doctest/doctest.h>

#include <set>

using namespace jobrunner;
using namespace std::chrono_literals;

namespace {

struct FakeProcesses final : ServiceProcesses {
    ProcessKey start(const ServiceConfig&) override { return ++started; }
    bool write(ProcessKey key, std::string_view line) override
    {
        if (reads) {
            lines.emplace_back(key, std::string(line));
        }
        return reads;
    }
    void close_input(ProcessKey key) override { asked_to_leave.insert(key); }
    void stop(ProcessKey key, const std::string&) override { stopped.insert(key); }
    std::optional<std::uint64_t> resident_bytes(pid_t) override { return resident; }

    ProcessKey started = 0;
    bool reads = true;
    std::vector<std::pair<ProcessKey, std::string>> lines;
    std::set<ProcessKey> stopped;
    std::set<ProcessKey> asked_to_leave;
    std::uint64_t resident = 0;
};

struct FakeSink final : RunSink {
    void done(const ClaimToken& token, RunReport report) override { reports[token.job] = std::move(report); }
    void wrote(const ClaimToken&, const std::string&, std::string) override {}
    void progressed(const ClaimToken&, std::optional<double>, std::optional<std::string>,
        std::optional<std::string>) override
    {
    }
    std::map<JobId, RunReport> reports;
};

struct PoolFixture {
    FakeProcesses processes;
    FakeSink sink;
    ServicePool::Time now{1h};
    ServicePool pool{config(), processes};

    PoolFixture() = default;
    explicit PoolFixture(const ServiceConfig& config) : pool(config, processes) {}

    static ServiceConfig config()
    {
        ServiceConfig config;
        config.name = "py";
        config.instances_max = 2;
        config.process.grace = 1s;
        return config;
    }
    void add(JobId id, std::optional<Milliseconds> timeout = 1min)
    {
        ClaimedJob job;
        job.token = {id, 1, 7};
        job.kind = "k";
        job.args = "{}";
        pool.add(std::move(job), timeout, now);
    }
    void say(ProcessKey key, const std::string& line) { pool.on_message({.key = key, .line = line}, now); }
    void end(ProcessKey key, ProcessEnd how) { pool.on_end({.key = key, .end = how, .exit_code = 3}, now); }
    void done(ProcessKey key, JobId id) { say(key, R"({"type":"done","id":")" + std::to_string(id) + "\"}"); }
    std::map<JobId, RunReport>& reports()
    {
        for (const auto& word : pool.take_words()) {
            word(sink);
        }
        return sink.reports;
    }
};

} // namespace

TEST_CASE_FIXTURE(PoolFixture, "pool: a crash fails the jobs of that child and no others")
{
    add(1);
    add(2);
    say(1, R"({"type":"ready","concurrency":1})");
    say(2, R"({"type":"ready","concurrency":1})");
    REQUIRE(processes.lines.size() == 2);

    end(1, ProcessEnd::exited);

    REQUIRE(reports().size() == 1);
    CHECK(reports().at(1).end == RunEnd::failed);
    CHECK(reports().at(1).error_class == "ServiceCrashed");
    CHECK_FALSE(pool.is_held_back());
}

TEST_CASE_FIXTURE(
    PoolFixture, "pool: a chunk is one message and takes one place, until the last of its jobs has ended")
{
    const auto chunk = [&](std::initializer_list<JobId> ids) {
        std::vector<ServicePool::TimedJob> jobs;
        for (const JobId id : ids) {
            jobs.push_back({.job = {}, .timeout = 1min});
            jobs.back().job.token = {id, 1, 7};
            jobs.back().job.kind = "k";
            jobs.back().job.args = "{}";
        }
        pool.add_chunk(std::move(jobs), now);
    };
    chunk({1, 2, 3});
    say(1, R"({"type":"ready","concurrency":1})");
    REQUIRE(processes.lines.size() == 1);
    CHECK(processes.lines[0].second.starts_with(R"({"type":"jobs","jobs":[{"type":"job","id":"1",)"));
    CHECK(processes.lines[0].second.ends_with("}]}\n"));

    chunk({4, 5});
    end(2, ProcessEnd::lease_lost); // a second child was asked for, and shall not have them
    done(1, 1);
    done(1, 3);
    CHECK(reports().size() == 2);
    CHECK(processes.lines.size() == 1);
    pool.stop({4, 1, 7}, StopCause::cancelled, now);
    CHECK(reports().at(4).end == RunEnd::cancelled);
    done(1, 2);
    REQUIRE(processes.lines.size() == 2);
    CHECK(processes.lines[1].second.find(R"("id":"4")") == std::string::npos);
    CHECK(processes.lines[1].second.find(R"("id":"5")") != std::string::npos);
    done(1, 5);
    CHECK(reports().size() == 5);
}

TEST_CASE_FIXTURE(
    PoolFixture, "pool: a child that dies before it is ready burns nothing and holds its kinds back")
{
    add(1);
    end(1, ProcessEnd::exited);

    CHECK(reports().at(1).end == RunEnd::released);
    CHECK(pool.is_held_back());
    CHECK(pool.failures() == 1);
    CHECK(pool.last_failure() == "it exited with 3");
    CHECK(processes.started == 1);

    now = *pool.next_due();
    pool.tick(now);
    CHECK(processes.started == 2);
    end(2, ProcessEnd::exited);
    CHECK(pool.failures() == 2);

    now = *pool.next_due();
    pool.tick(now);
    say(3, R"({"type":"ready"})");
    CHECK_FALSE(pool.is_held_back());
}

TEST_CASE_FIXTURE(
    PoolFixture, "pool: a timeout is told first, then its child is stopped, and its neighbours go back")
{
    add(1, 100ms);
    say(1, R"({"type":"ready","concurrency":2})");
    add(2);

    now += 100ms;
    pool.tick(now);
    CHECK(processes.lines.back().second == "{\"type\":\"cancel\",\"id\":\"1\"}\n");
    CHECK(processes.stopped.empty());
    now += 1s;
    pool.tick(now);
    CHECK(processes.stopped.contains(1));
    end(1, ProcessEnd::stopped);

    CHECK(reports().at(1).end == RunEnd::timed_out);
    CHECK(reports().at(2).end == RunEnd::released);
}

TEST_CASE_FIXTURE(
    PoolFixture, "pool: a malformed end fails the job that it names, a stray line all of the child")
{
    add(1);
    add(2);
    add(3);
    say(1, R"({"type":"ready","concurrency":3})");
    REQUIRE(processes.lines.size() == 3);

    say(1, R"({"type":"snooze","id":"1","in_ms":"soon"})");
    CHECK(reports().at(1).error_class == "MalformedMessage");
    CHECK(reports().size() == 1);

    say(1, "a stray print");
    CHECK(processes.stopped.contains(1));
    end(1, ProcessEnd::stopped);
    CHECK(reports().at(2).error_class == "MalformedMessage");
    CHECK(reports().at(3).end == RunEnd::failed);
}

TEST_CASE_FIXTURE(PoolFixture, "pool: a child that does not read gets no job until it does")
{
    add(1);
    processes.reads = false;
    say(1, R"({"type":"ready"})");
    CHECK(processes.lines.empty());

    processes.reads = true;
    pool.on_input_taken({.key = 1, .bytes = 0, .closed = false}, now);
    CHECK(processes.lines.size() == 1);
    CHECK(reports().empty());
}

TEST_CASE_FIXTURE(
    PoolFixture, "pool: a child that closes its input is replaced, and says why its jobs failed")
{
    add(1, std::nullopt);
    say(1, R"({"type":"ready"})");

    pool.on_input_taken({.key = 1, .bytes = 0, .closed = true}, now);
    CHECK(processes.stopped.contains(1));
    end(1, ProcessEnd::stopped);

    CHECK(reports().at(1).end == RunEnd::failed);
    CHECK(reports().at(1).error_class == "InputClosed");
}

TEST_CASE_FIXTURE(PoolFixture, "pool: a job that told of its progress leaves something to clear")
{
    add(1);
    add(2);
    say(1, R"({"type":"ready","concurrency":2})");
    say(1, R"({"type":"progress","id":"1","percent":5})");
    done(1, 1);
    done(1, 2);

    CHECK(reports().at(1).wrote_live_output);
    CHECK_FALSE(reports().at(2).wrote_live_output);
}

TEST_CASE("pool: idle children leave, all but the least that are to be there")
{
    auto config = PoolFixture::config();
    config.instances_min = 1;
    config.idle_timeout = 10s;
    PoolFixture test(config);
    test.add(1);
    test.add(2);
    test.say(1, R"({"type":"ready"})");
    test.say(2, R"({"type":"ready"})");
    test.done(1, 1);
    test.done(2, 2);
    CHECK(test.processes.asked_to_leave.empty());

    test.now += 10s;
    test.pool.tick(test.now);

    CHECK(test.processes.asked_to_leave.size() == 1);
    CHECK(test.processes.started == 2);
}

TEST_CASE("pool: a child is replaced after so many jobs, or when it has grown too large")
{
    auto config = PoolFixture::config();
    config.instances_max = 1;
    SUBCASE("jobs")
    {
        config.recycle_after_jobs = 2;
    }
    SUBCASE("memory")
    {
        config.recycle_over_memory = 1000;
    }
    PoolFixture test(config);
    test.add(1);
    test.say(1, R"({"type":"ready"})");
    test.done(1, 1);
    CHECK(test.processes.asked_to_leave.empty());

    test.processes.resident = 1001;
    test.add(2);
    test.done(1, 2);
    test.add(3);

    CHECK(test.processes.asked_to_leave.contains(1));
    CHECK(test.processes.started == 2);
    test.say(2, R"({"type":"ready"})");
    CHECK(test.processes.lines.back().first == 2);
}

TEST_CASE_FIXTURE(PoolFixture, "pool: a new configuration lets a child finish and puts another in its place")
{
    add(1);
    say(1, R"({"type":"ready","concurrency":2})");

    pool.renew(config(), now);
    add(2);
    CHECK(processes.started == 2);
    say(2, R"({"type":"ready"})");
    CHECK(processes.lines.back().first == 2);
    CHECK(processes.asked_to_leave.empty());
    done(1, 1);
    CHECK(processes.asked_to_leave.contains(1));

    pool.renew(std::nullopt, now);
    done(2, 2);
    CHECK_FALSE(pool.is_over());
    end(1, ProcessEnd::exited);
    end(2, ProcessEnd::exited);
    CHECK(pool.is_over());
    add(3);
    CHECK(reports().at(3).end == RunEnd::released);
}

TEST_CASE_FIXTURE(PoolFixture, "pool: a child that does not leave when asked to is ended after its grace")
{
    add(1);
    say(1, R"({"type":"ready"})");
    done(1, 1);
    pool.renew(std::nullopt, now);
    CHECK(processes.stopped.empty());

    now += 1s;
    pool.tick(now);

    CHECK(processes.stopped.contains(1));
}
