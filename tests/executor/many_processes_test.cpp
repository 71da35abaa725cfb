#include "executor_fixture.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <set>

using namespace jobrunner;
using namespace jobrunner::tests;

namespace {

std::ptrdiff_t descriptors_of(pid_t pid)
{
    const std::filesystem::directory_iterator folder("/proc/" + std::to_string(pid) + "/fd");
    return std::distance(begin(folder), end(folder));
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
