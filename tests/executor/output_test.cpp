#include "executor_fixture.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace jobrunner;
using namespace jobrunner::tests;
using namespace std::chrono_literals;

namespace {

std::size_t size_of(const std::vector<OutputChunk>& chunks)
{
    std::size_t size = 0;
    for (const OutputChunk& chunk : chunks)
        size += chunk.bytes.size();
    return size;
}

// Reports soon and often.
struct LiveFixture : ExecutorFixture {
    LiveFixture() : ExecutorFixture({.live_every = 10ms}) {}

    static ProcessSpec live_shell(ProcessKey key, const std::string& script)
    {
        ProcessSpec spec = shell(key, script);
        spec.live_after = 0ms;
        return spec;
    }
};

} // namespace

TEST_CASE_FIXTURE(ExecutorFixture, "output: both streams are kept and told apart")
{
    const ProcessEnded ended = run(shell(1, "echo out; echo err >&2"));

    CHECK(output_of(ended) == "out\n");
    CHECK(errors_of(ended) == "err\n");
    CHECK(ended.output_bytes_dropped == 0);
}

TEST_CASE_FIXTURE(ExecutorFixture, "output: bytes that are no UTF-8 pass as they are")
{
    CHECK(output_of(run(shell(1, R"(printf 'a\377\376\000b')"))) == std::string("a\xff\xfe\0b", 5));
}

TEST_CASE_FIXTURE(
    ExecutorFixture, "output: of a flood without a newline the end is kept and the rest counted")
{
    ProcessSpec spec = shell(1, "head -c 30000000 /dev/zero | tr '\\0' x; printf END");
    spec.output_bytes_max = 1000;

    const ProcessEnded ended = run(spec);

    CHECK(size_of(ended.output) == 1000);
    CHECK(output_of(ended).ends_with("xxxEND"));
    CHECK(ended.output_bytes_dropped == 30'000'003 - 1000);
}

TEST_CASE_FIXTURE(ExecutorFixture, "output: a flood does not keep others from running")
{
    executor.start(shell(1, "exec cat /dev/zero"));
    static_cast<void>(events.wait_for_start(1));

    for (ProcessKey key = 2; key < 12; ++key)
        CHECK(output_of(run(shell(key, "echo quick"))) == "quick\n");
    executor.kill(1, "enough");

    CHECK(events.wait_for_end(1).output_bytes_dropped > 0);
}

TEST_CASE_FIXTURE(ExecutorFixture, "output: a program may close its streams and go on")
{
    const ProcessEnded ended = run(shell(1, "echo bye; exec >&- 2>&- 3>&-; sleep 0.2; exit 5"));

    CHECK(output_of(ended) == "bye\n");
    CHECK(ended.exit_code == 5);
}

TEST_CASE_FIXTURE(LiveFixture, "live output: comes while the process runs, and stands in the tail, too")
{
    executor.start(live_shell(1, "echo early; sleep 600"));

    CHECK(events.wait_for_output(1, "early\n") == "early\n");
    executor.kill(1, "seen");

    CHECK(output_of(events.wait_for_end(1)) == "early\n");
}

TEST_CASE_FIXTURE(LiveFixture, "live output: is whole and in order while it comes slowly")
{
    executor.start(live_shell(1, "for i in 1 2 3 4 5; do echo $i; sleep 0.05; done; sleep 60"));

    CHECK(events.wait_for_output(1, "5\n") == "1\n2\n3\n4\n5\n");
}

TEST_CASE_FIXTURE(ExecutorFixture, "live output: a short process has none")
{
    static_cast<void>(run(shell(1, "echo short")));

    CHECK(events.live_output(1).empty());
}

TEST_CASE_FIXTURE(LiveFixture, "messages: lines on descriptor 3 arrive at once, in order, before the end")
{
    executor.start(live_shell(1, "echo '{\"percent\":1}' >&3; echo two >&3; sleep 60"));

    const auto messages = events.wait_for_messages(1, 2);

    CHECK(messages[0].line == "{\"percent\":1}");
    CHECK(messages[1].line == "two");
    CHECK_FALSE(messages[0].too_long);
}

TEST_CASE_FIXTURE(ExecutorFixture, "messages: what a process sends just before it exits is not lost")
{
    const ProcessEnded ended = run(shell(1, "for i in $(seq 1000); do echo $i >&3; done; printf last >&3"));

    CHECK(ended.exit_code == 0);
    const auto messages = events.messages(1);
    REQUIRE(messages.size() == 1001);
    CHECK(messages.front().line == "1");
    CHECK(messages.back().line == "last");
}

TEST_CASE_FIXTURE(
    ExecutorFixture, "messages: a line that is too long is reported as such, and the process lives on")
{
    const ProcessEnded ended =
        run(shell(1, "head -c 3000000 /dev/zero | tr '\\0' x >&3; echo >&3; echo next >&3; exit 6"));

    CHECK(ended.exit_code == 6);
    const auto messages = events.messages(1);
    REQUIRE(messages.size() == 2);
    CHECK(messages[0].too_long);
    CHECK(messages[1].line == "next");
}
