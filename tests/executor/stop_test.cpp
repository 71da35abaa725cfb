#include "executor_fixture.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>

using namespace jobrunner;
using namespace jobrunner::tests;
using namespace std::chrono_literals;

namespace {

bool all_are_dead(const std::vector<pid_t>& pids)
{
    return std::none_of(pids.begin(), pids.end(), is_alive);
}

// Programs that leave the group and the session of their parent and say their pid on descriptor 3.
constexpr const char* escape = "setsid sh -c 'echo $$ >&3; exec sleep 600' & ";
constexpr const char* escape_nameless =
    "env -i setsid sh -c 'echo $$ >&3; exec sleep 600 3>&-' >/dev/null 2>&1 & ";
constexpr const char* escape_twice =
    "setsid sh -c 'echo $$ >&3; setsid sh -c \"echo \\$\\$ >&3; exec sleep 600\" & exec sleep 600' & ";

struct StopFixture : ExecutorFixture {
    // Starts a script that first sends `count` pids on descriptor 3.
    std::vector<pid_t> start_with_pids(ProcessSpec spec, std::size_t count)
    {
        const ProcessKey key = spec.key;
        spec.environment.push_back("JOBRUNNER_TOKEN=token-" + std::to_string(key));
        executor.start(std::move(spec));
        std::vector<pid_t> pids;
        for (const ProcessMessage& message : events.wait_for_messages(key, count))
            pids.push_back(std::stoi(message.line));
        return pids;
    }
};

} // namespace

TEST_CASE_FIXTURE(StopFixture, "timeout: SIGTERM ends a program that obeys it")
{
    ProcessSpec spec = shell(1, "exec sleep 600");
    spec.timeout = 50ms;

    const ProcessEnded ended = run(spec);

    CHECK(ended.end == ProcessEnd::timed_out);
    CHECK(ended.signal == SIGTERM);
    CHECK(ended.wall >= 50ms);
}

TEST_CASE_FIXTURE(StopFixture, "timeout: a program may use its grace to end in good order")
{
    ProcessSpec spec = shell(1, "trap 'echo cleaned up; exit 9' TERM; while :; do sleep 0.05; done");
    spec.timeout = 100ms;

    const ProcessEnded ended = run(spec);

    CHECK(ended.end == ProcessEnd::timed_out);
    CHECK(ended.exit_code == 9);
    CHECK(output_of(ended) == "cleaned up\n");
}

TEST_CASE_FIXTURE(StopFixture, "timeout: a program that ignores SIGTERM is killed after its grace")
{
    ProcessSpec spec = shell(1, "trap '' TERM; echo deaf >&3; while :; do sleep 0.05; done");
    spec.timeout = 100ms;
    spec.grace = 100ms;

    const ProcessEnded ended = run(spec);

    CHECK(ended.end == ProcessEnd::timed_out);
    CHECK(ended.signal == SIGKILL);
    CHECK(ended.wall >= 200ms);
}

TEST_CASE_FIXTURE(StopFixture, "timeout: a stopped program does not escape it")
{
    ProcessSpec spec = shell(1, "kill -STOP $$; sleep 600");
    spec.timeout = 100ms;

    CHECK(run(spec).end == ProcessEnd::timed_out);
}

TEST_CASE_FIXTURE(StopFixture, "timeout: can be moved while the program runs")
{
    ProcessSpec spec = shell(1, "echo up >&3; sleep 600");
    spec.timeout = 600s;
    executor.start(spec);
    static_cast<void>(events.wait_for_messages(1, 1));

    executor.extend(1, -600s);

    CHECK(events.wait_for_end(1).end == ProcessEnd::timed_out);
}

TEST_CASE_FIXTURE(StopFixture, "stop: ends a program with the first reason given")
{
    executor.start(shell(1, "exec sleep 600"));

    executor.stop(1, "cancelled by an operator");
    executor.kill(1, "too late");
    const ProcessEnded ended = events.wait_for_end(1);

    CHECK(ended.end == ProcessEnd::stopped);
    CHECK(ended.error == "cancelled by an operator");
}

TEST_CASE_FIXTURE(StopFixture, "stop: what is not running is left alone")
{
    executor.stop(42, "nobody");
    executor.extend(42, 1s);

    CHECK(run(shell(1, "exit 0")).exit_code == 0);
}

TEST_CASE_FIXTURE(StopFixture, "kill_all: ends all at once, whatever they ignore")
{
    for (ProcessKey key = 1; key <= 20; ++key)
        executor.start(shell(key, "trap '' TERM; sleep 600"));

    executor.kill_all("shutting down");

    for (ProcessKey key = 1; key <= 20; ++key) {
        const ProcessEnded ended = events.wait_for_end(key);
        CHECK(ended.end == ProcessEnd::stopped);
        CHECK(ended.error == "shutting down");
    }
}

TEST_CASE_FIXTURE(StopFixture, "descendants: those in the group are gone when a program has exited")
{
    const auto pids = start_with_pids(shell(1, "sleep 600 & echo $! >&3; echo $$ >&3; exit 3"), 2);

    CHECK(events.wait_for_end(1).exit_code == 3);
    CHECK(all_are_dead(pids));
}

TEST_CASE_FIXTURE(StopFixture, "descendants: one that holds the pipes open does not delay the end")
{
    const ProcessEnded ended =
        run(shell(1, "echo first; (trap '' TERM HUP; sleep 600; echo never) & exit 0"));

    CHECK(ended.end == ProcessEnd::exited);
    CHECK(output_of(ended) == "first\n");
}

TEST_CASE_FIXTURE(StopFixture, "descendants: a program that has left its own group is ended like any other")
{
    ProcessSpec spec = shell(1, "");
    spec.argv = {"perl", "-e", "setpgrp(0, getppid()) or die; syswrite(STDOUT, getpgrp()); sleep 600"};
    spec.timeout = 300ms;

    const ProcessEnded ended = run(spec);

    CHECK(ended.end == ProcessEnd::timed_out);
    CHECK(output_of(ended) == std::to_string(supervisor_pid()));
}

TEST_CASE_FIXTURE(StopFixture, "descendants: those that left the session are gone, too")
{
    for (const char* way : {escape, escape_nameless}) {
        const ProcessKey key = way == escape ? 1 : 2;
        const auto pids = start_with_pids(shell(key, way + std::string("echo $$ >&3; sleep 600")), 2);
        REQUIRE(is_alive(pids[0]));

        executor.kill(key, "enough");

        static_cast<void>(events.wait_for_end(key));
        CHECK(all_are_dead(pids));
    }
}

TEST_CASE_FIXTURE(StopFixture, "descendants: a chain of sessions is followed to its end")
{
    const auto pids = start_with_pids(shell(1, escape_twice + std::string("echo $$ >&3; sleep 600")), 3);

    executor.kill(1, "enough");

    static_cast<void>(events.wait_for_end(1));
    CHECK(all_are_dead(pids));
}

TEST_CASE_FIXTURE(StopFixture, "descendants: SIGTERM reaches those that left the session")
{
    ProcessSpec spec = shell(1,
        "setsid sh -c 'trap \"echo got it >&3\" TERM; echo $$ >&3; while :; do sleep 0.05; done' & "
        "trap '' TERM; while :; do sleep 0.05; done");
    static_cast<void>(start_with_pids(spec, 1));

    executor.stop(1, "enough");

    CHECK(events.wait_for_messages(1, 2)[1].line == "got it");
    executor.kill(1, "done");
}

TEST_CASE_FIXTURE(StopFixture,
    "descendants: a program may put work into the background while it runs, beside others that end")
{
    // The middle process ends at once, so that the one in the background has lost its parent.
    const std::string daemon = "(setsid sh -c 'echo $$ >&3; exec sleep 600' &); ";
    const auto first = start_with_pids(shell(1, daemon + "echo $$ >&3; sleep 600"), 2);
    const auto second = start_with_pids(shell(2, daemon + "echo $$ >&3; sleep 600"), 2);

    executor.kill(2, "enough");
    static_cast<void>(events.wait_for_end(2));

    CHECK(all_are_dead(second));
    CHECK(is_alive(first[0]));
    CHECK(is_alive(first[1]));
    executor.kill(1, "enough");
    static_cast<void>(events.wait_for_end(1));
    CHECK(all_are_dead(first));
}
