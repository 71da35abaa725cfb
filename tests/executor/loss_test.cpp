// What becomes of processes when their worker, its lease or their supervisor is lost.
#include "executor_fixture.hpp"
#include "test_worker.hpp"

#include "core/error.hpp"
#include "executor/host_processes.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>

using namespace jobrunner;
using namespace jobrunner::tests;
using namespace std::chrono_literals;

namespace {

bool all_die(const std::vector<pid_t>& pids)
{
    return eventually([&] { return std::none_of(pids.begin(), pids.end(), is_alive); });
}

std::vector<pid_t> read_pids(TestWorker& worker)
{
    return {std::stoi(worker.read_line()), std::stoi(worker.read_line())};
}

pid_t child_of(pid_t parent)
{
    for (const HostProcess& process : all_host_processes())
        if (process.parent == parent)
            return process.pid;
    return 0;
}

} // namespace

TEST_CASE_FIXTURE(ExecutorFixture, "lease: when it passes, what runs is killed and says so")
{
    executor.lease_until(BootClock::now() + 300ms);
    executor.start(shell(1, "trap '' TERM; sleep 600"));

    const ProcessEnded ended = events.wait_for_end(1);

    CHECK(ended.end == ProcessEnd::lease_lost);
    CHECK(ended.signal == SIGKILL);
    CHECK(ended.wall >= 200ms);
}

TEST_CASE_FIXTURE(ExecutorFixture, "lease: renewed in time it kills nothing")
{
    executor.lease_until(BootClock::now() + 400ms);
    executor.start(shell(1, "sleep 1; exit 8"));
    executor.lease_until(BootClock::now() + 600s);

    CHECK(events.wait_for_end(1).exit_code == 8);
}

TEST_CASE_FIXTURE(ExecutorFixture, "lease: nothing starts after it has passed, until there is another")
{
    executor.lease_until(BootClock::now() - 1ms);
    CHECK(run(shell(1, "exit 0")).end == ProcessEnd::lease_lost);

    executor.lease_until(BootClock::now() + 600s);
    CHECK(run(shell(2, "exit 0")).end == ProcessEnd::exited);
}

TEST_CASE("lease: processes of a stopped worker die when it passes, and the worker hears of it later")
{
    TestWorker worker(2'000);
    const auto pids = read_pids(worker);
    worker.signal(SIGSTOP);
    CHECK(is_alive(pids[0]));
    CHECK(is_alive(pids[1]));

    CHECK(all_die(pids));

    worker.signal(SIGCONT);
    CHECK(worker.read_line() == "lease lost");
}

TEST_CASE("worker: when it is killed its processes die, and its supervisor after them")
{
    TestWorker worker(std::nullopt);
    auto pids = read_pids(worker);
    pids.push_back(child_of(worker.pid()));
    REQUIRE(is_alive(pids.back()));

    worker.signal(SIGKILL);

    CHECK(all_die(pids));
}

TEST_CASE("worker: signals that a terminal sends to its foreground do not reach its processes")
{
    TestWorker worker(std::nullopt);
    const auto pids = read_pids(worker);
    const pid_t supervisor = child_of(worker.pid());
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP})
        ::kill(supervisor, signal);

    CHECK(find_host_process(supervisor)->group != find_host_process(worker.pid())->group);
    CHECK(is_alive(supervisor));
    CHECK(is_alive(pids[0]));
}

TEST_CASE_FIXTURE(
    ExecutorFixture, "supervisor: when it is killed all processes die, are reported, and others can be run")
{
    ProcessSpec spec = shell(1,
        "setsid sh -c 'echo $$ >&3; exec sleep 600' & "
        "sh -c 'echo $$ >&3; exec sleep 600' & echo $$ >&3; sleep 600");
    spec.environment.emplace_back("JOBRUNNER_TOKEN=token-of-a-lost-supervisor");
    executor.start(spec);
    std::vector<pid_t> pids;
    for (const ProcessMessage& message : events.wait_for_messages(1, 3))
        pids.push_back(std::stoi(message.line));

    REQUIRE(::kill(supervisor_pid(), SIGKILL) == 0);

    CHECK(events.wait_for_end(1).end == ProcessEnd::supervisor_lost);
    CHECK(std::none_of(pids.begin(), pids.end(), is_alive));
    ProcessKey key = 1;
    CHECK(eventually([&] { return run(shell(++key, "exit 4")).exit_code == 4; }));
}

TEST_CASE_FIXTURE(ExecutorFixture, "supervisor: its successor knows the lease")
{
    executor.lease_until(BootClock::now() - 1ms);
    static_cast<void>(run(shell(1, "exit 0")));

    REQUIRE(::kill(supervisor_pid(), SIGKILL) == 0);

    ProcessKey key = 1;
    CHECK(eventually([&] { return run(shell(++key, "exit 0")).end == ProcessEnd::lease_lost; }));
}

TEST_CASE("supervisor: destruction kills what runs and leaves no process")
{
    std::vector<pid_t> pids;
    {
        ExecutorFixture fixture;
        fixture.executor.start(
            shell(1, "trap '' TERM; setsid sh -c 'echo $$ >&3; exec sleep 600' & echo $$ >&3; sleep 600"));
        for (const ProcessMessage& message : fixture.events.wait_for_messages(1, 2))
            pids.push_back(std::stoi(message.line));
        pids.push_back(ExecutorFixture::supervisor_pid());
    }

    CHECK(std::none_of(pids.begin(), pids.end(), is_alive));
}

TEST_CASE("supervisor: a program that is none is refused")
{
    const auto make = [](const char* program) {
        const ProcessExecutor executor([](const ProcessEvent&) {}, {.supervisor_path = program});
    };

    CHECK_THROWS_WITH_AS(make("/bin/true"),
        "cannot start the supervisor /bin/true: it does not answer; main() of that program has to call "
        "run_supervisor()",
        Error);
    CHECK_THROWS_AS(make("/no/such/program"), Error);
}

TEST_CASE(
    "supervisor: a program that was started as one and goes on to make an executor is stopped from doing so")
{
    REQUIRE(::setenv("JOBRUNNER_SUPERVISOR", "1", 1) == 0);
    CHECK_THROWS_AS(ProcessExecutor([](const ProcessEvent&) {}), Error);
    ::unsetenv("JOBRUNNER_SUPERVISOR");
}
