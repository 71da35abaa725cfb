#include "executor_fixture.hpp"

#include <doctest/doctest.h>

using namespace jobrunner;
using namespace jobrunner::tests;

namespace {

ProcessSpec talker(ProcessKey key, const std::string& script)
{
    ProcessSpec spec = shell(key, script);
    spec.interactive = true;
    return spec;
}

} // namespace

TEST_CASE_FIXTURE(ExecutorFixture, "interactive: lines go in, lines come back as messages, errors as output")
{
    executor.start(talker(1, "while read -r line; do echo \"got $line\"; done; echo bye >&2"));

    REQUIRE(executor.write(1, "one\n"));
    CHECK(events.wait_for_messages(1, 1).at(0).line == "got one");
    REQUIRE(executor.write(1, "two\nthree\n"));
    CHECK(events.wait_for_messages(1, 3).at(2).line == "got three");
    executor.close_input(1);

    const ProcessEnded ended = events.wait_for_end(1);
    CHECK(ended.exit_code == 0);
    CHECK(errors_of(ended) == "bye\n");
    CHECK(output_of(ended).empty());
}

TEST_CASE_FIXTURE(
    ExecutorFixture, "interactive: a child that does not read is given no more, and others go on")
{
    executor.start(talker(1, "read -r go < /dev/null; sleep 1000"));
    executor.start(talker(2, "cat"));
    const std::string line(64 * 1024, 'x');

    int written = 0;
    while (written < 1000 && executor.write(1, line))
        ++written;
    CHECK(written >= 4);
    CHECK(written < 20);
    REQUIRE(executor.write(2, "still here\n"));
    CHECK(events.wait_for_messages(2, 1).at(0).line == "still here");
    executor.kill(1, "enough");
    CHECK(events.wait_for_end(1).end == ProcessEnd::stopped);
}

TEST_CASE_FIXTURE(ExecutorFixture, "interactive: what is written arrives whole once the child reads")
{
    executor.start(talker(1, "wc -c"));
    const std::string line(100 * 1000, 'x');

    for (int count = 0; count < 50; ++count)
        REQUIRE(eventually([&] { return executor.write(1, line); }));
    executor.close_input(1);

    CHECK(events.wait_for_messages(1, 1).at(0).line == "5000000");
}

TEST_CASE_FIXTURE(
    ExecutorFixture, "interactive: an overlong line is told once, and a half one when the child dies")
{
    executor.start(
        talker(1, "head -c 3000000 /dev/zero | tr '\\0' x; echo; echo next; printf half; kill -9 $$"));

    CHECK(events.wait_for_end(1).signal == 9);
    const auto messages = events.messages(1);
    REQUIRE(messages.size() == 3);
    CHECK(messages[0].too_long);
    CHECK(messages[1].line == "next");
    CHECK(messages[2].line == "half");
}

TEST_CASE_FIXTURE(ExecutorFixture, "interactive: bytes that are no UTF-8 come as they are")
{
    executor.start(talker(1, "printf '\\377\\376\\n'"));

    CHECK(events.wait_for_messages(1, 1).at(0).line == "\xff\xfe");
}

TEST_CASE_FIXTURE(
    ExecutorFixture, "interactive: a child that closes its input loses what is written, and nothing breaks")
{
    executor.start(talker(1, "exec <&-; echo closed; sleep 1000"));
    CHECK(events.wait_for_messages(1, 1).at(0).line == "closed");

    const std::string line(64 * 1024, 'x');
    for (int count = 0; count < 20; ++count)
        REQUIRE(eventually([&] { return executor.write(1, line); }));
    executor.kill(1, "enough");

    CHECK(events.wait_for_end(1).end == ProcessEnd::stopped);
}
