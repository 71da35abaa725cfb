#include "executor_fixture.hpp"

#include "executor/host_processes.hpp"

#include <doctest/doctest.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>

using namespace jobrunner;
using namespace jobrunner::tests;
using namespace std::chrono_literals;

namespace {

std::ptrdiff_t descriptors_of(pid_t pid)
{
    const std::filesystem::directory_iterator folder("/proc/" + std::to_string(pid) + "/fd");
    return std::distance(begin(folder), end(folder));
}

// Of a supervisor, in KiB; a sanitizer's shadow is not ours.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr long memory_max = 512 * 1024;
#else
constexpr long memory_max = 24 * 1024;
#endif

// Resident memory, in KiB.
long memory_of(pid_t pid)
{
    std::ifstream status("/proc/" + std::to_string(pid) + "/status");
    for (std::string line; std::getline(status, line);)
        if (line.starts_with("VmRSS:"))
            return std::stol(line.substr(6));
    return 0;
}

std::string program_of(pid_t pid)
{
    std::string name;
    std::getline(std::ifstream("/proc/" + std::to_string(pid) + "/comm"), name);
    return name;
}

std::string some_script(std::mt19937& random)
{
    const std::array scripts{
        "exit 1",
        "sleep 0.01",
        "sleep 600",
        "trap '' TERM; sleep 600",
        "setsid sleep 600 & sleep 0.01",
        "env -i setsid sleep 600 >/dev/null 2>&1 3>&- & sleep 600",
        "(setsid sleep 600 &); sleep 0.02",
        "sleep 600 & kill -9 $$",
        "cat /dev/zero",
        "yes >&3",
        "exec >&- 2>&- 3>&-; sleep 600",
        "kill -STOP $$",
    };
    return scripts[random() % scripts.size()];
}

} // namespace

TEST_CASE_FIXTURE(ExecutorFixture, "many: 300 processes run at the same time")
{
    constexpr ProcessKey count = 300;
    // Each waits until it is told that all are there.
    for (ProcessKey key = 1; key <= count; ++key)
        executor.start(shell(key, "echo here >&3; trap 'exit 7' USR1; while :; do sleep 1 & wait; done"));
    std::set<pid_t> pids;
    for (ProcessKey key = 1; key <= count; ++key) {
        static_cast<void>(events.wait_for_messages(key, 1));
        pids.insert(events.wait_for_start(key));
    }
    CHECK(pids.size() == count);
    CHECK(executor.running() == count);

    for (ProcessKey key = 1; key <= count; ++key)
        executor.stop(key, "all were there");

    for (ProcessKey key = 1; key <= count; ++key)
        REQUIRE(events.wait_for_end(key).end == ProcessEnd::stopped);
    CHECK(executor.running() == 0);
}

TEST_CASE_FIXTURE(ExecutorFixture, "many: two thousand processes leave no descriptor and no process behind")
{
    static_cast<void>(run({.key = 1, .argv = {"true"}}));
    const pid_t supervisor = supervisor_pid();
    const auto before = descriptors_of(supervisor);
    const auto own_before = descriptors_of(::getpid());

    constexpr ProcessKey count = 2000;
    constexpr ProcessKey at_once = 10;
    for (ProcessKey key = 2; key < 2 + count; ++key) {
        ProcessSpec spec{.key = key, .argv = {key % 7 == 0 ? "no-such-program" : "true"}};
        spec.stdin_data = key % 3 == 0 ? "" : "{}";
        executor.start(std::move(spec));
        if (key >= 2 + at_once)
            static_cast<void>(events.wait_for_end(key - at_once));
    }
    for (ProcessKey key = 2; key < 2 + count; ++key)
        static_cast<void>(events.wait_for_end(key));

    CHECK(descriptors_of(supervisor) == before);
    CHECK(descriptors_of(::getpid()) == own_before);
}

TEST_CASE_FIXTURE(ExecutorFixture,
    "many: whatever they do and whatever is done to them, each ends once and nothing is left")
{
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937 random(seed);
    static_cast<void>(run({.key = 1, .argv = {"true"}}));
    const pid_t supervisor = supervisor_pid();
    const auto descriptors = descriptors_of(supervisor);

    constexpr ProcessKey count = 300;
    constexpr ProcessKey at_once = 20;
    for (ProcessKey key = 2; key < 2 + count; ++key) {
        ProcessSpec spec = shell(key, some_script(random));
        spec.grace = std::chrono::milliseconds(random() % 20);
        spec.timeout = std::chrono::milliseconds(random() % 100);
        if (random() % 2 == 0)
            spec.environment.push_back("JOBRUNNER_TOKEN=" + std::to_string(key));
        executor.start(std::move(spec));
        if (random() % 4 == 0)
            executor.stop(key - random() % 2, "chance");
        if (random() % 4 == 0)
            executor.kill(key - random() % 10, "chance");
        if (key >= 2 + at_once)
            static_cast<void>(events.wait_for_end(key - at_once));
    }
    for (ProcessKey key = 2; key < 2 + count; ++key)
        static_cast<void>(events.wait_for_end(key));

    CHECK(executor.running() == 0);
    CHECK(events.ends() == 1 + count);
    CHECK(descriptors_of(supervisor) == descriptors);
    CHECK(descendants_of(supervisor, all_host_processes()).empty());
}

TEST_CASE("many: a worker that takes no events costs the supervisor no memory, and no process its timeout")
{
    std::mutex blocked;
    std::unique_lock block(blocked);
    EventLog events;
    ProcessExecutor executor([&](ProcessEvent event) {
        const std::lock_guard lock(blocked);
        events.take(std::move(event));
    });
    const pid_t supervisor = ExecutorFixture::supervisor_pid();
    // Forty megabytes of messages and as much output, while nobody listens.
    for (ProcessKey key = 1; key <= 4; ++key)
        executor.start(shell(
            key, "for i in $(seq 10); do head -c 1000000 /dev/zero | tr '\\0' x | fold -w 999; done >&3"));
    for (ProcessKey key = 5; key <= 8; ++key)
        executor.start(shell(key, "head -c 10000000 /dev/zero"));
    ProcessSpec timed = shell(9, "exec sleep 600");
    timed.timeout = 1s;
    executor.start(timed);
    const auto sleepers = [&] {
        std::size_t found = 0;
        for (const HostProcess& process : descendants_of(supervisor, all_host_processes()))
            found += program_of(process.pid) == "sleep" ? 1 : 0;
        return found;
    };
    REQUIRE(eventually([&] { return sleepers() == 1; }));
    REQUIRE(eventually([&] { return sleepers() == 0; }));
    CHECK(memory_of(supervisor) < memory_max);

    block.unlock();

    CHECK(events.wait_for_end(9).end == ProcessEnd::timed_out);
    for (ProcessKey key = 1; key <= 4; ++key) {
        CHECK(events.wait_for_end(key).exit_code == 0);
        CHECK(events.messages(key).size() == 10'000'000 / 999 + 1);
    }
}
