#include "executor/output_tail.hpp"

#include <doctest/doctest.h>

#include <random>

using namespace jobrunner;

namespace {

constexpr auto out = OutputStream::out;
constexpr auto error = OutputStream::error;
using Chunks = std::vector<OutputChunk>;

} // namespace

TEST_CASE("tail: what fits is kept as it came, streams apart")
{
    OutputTail tail(100);
    tail.append(out, "one ");
    tail.append(out, "two");
    tail.append(error, "oops");
    tail.append(out, "three");

    CHECK(tail.chunks() == Chunks{{out, "one two"}, {error, "oops"}, {out, "three"}});
    CHECK(tail.bytes_dropped() == 0);
}

TEST_CASE("tail: the last bytes of both streams together are kept, and the others counted")
{
    OutputTail tail(6);
    tail.append(out, "abcdef");
    tail.append(error, "1234");

    CHECK(tail.chunks() == Chunks{{out, "ef"}, {error, "1234"}});
    CHECK(tail.bytes_dropped() == 4);
}

TEST_CASE("tail: of one piece larger than all that is kept its end stays")
{
    OutputTail tail(3);
    tail.append(out, "0123456789");

    CHECK(tail.chunks() == Chunks{{out, "789"}});
    CHECK(tail.bytes_dropped() == 7);
}

TEST_CASE("tail: a size of nothing keeps nothing")
{
    OutputTail tail(0);
    tail.append(out, "abc");

    CHECK(tail.chunks().empty());
    CHECK(tail.bytes_dropped() == 3);
}

TEST_CASE("tail: streams that alternate byte by byte are cut to a number of pieces")
{
    OutputTail tail(1'000'000);
    for (std::size_t count = 0; count < 5 * OutputTail::runs_max; ++count)
        tail.append(count % 2 == 0 ? out : error, "x");

    CHECK(tail.chunks().size() == OutputTail::runs_max);
    CHECK(tail.bytes_dropped() == 4 * OutputTail::runs_max);
}

TEST_CASE("tail: reports go on where the last one ended")
{
    OutputTail tail(100);
    tail.append(out, "abcdef");

    CHECK(tail.report(4).chunks == Chunks{{out, "abcd"}});
    CHECK(tail.has_news());
    tail.append(error, "!");
    CHECK(tail.report(100).chunks == Chunks{{out, "ef"}, {error, "!"}});
    CHECK_FALSE(tail.has_news());
    CHECK(tail.report(100).chunks.empty());
}

TEST_CASE("tail: a report says how much was dropped before it")
{
    OutputTail tail(4);
    tail.append(out, "ab");
    CHECK(tail.report(100).bytes_dropped == 0);
    tail.append(out, "cdefghij");

    const auto report = tail.report(100);

    CHECK(report.bytes_dropped == 4);
    CHECK(report.chunks == Chunks{{out, "ghij"}});
}

TEST_CASE("tail: whatever is appended, the tail is the end of it and no longer than allowed")
{
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937 random(seed);
    for (int round = 0; round < 200; ++round) {
        const std::size_t size = random() % 50;
        OutputTail tail(size);
        std::string all;
        for (auto step = random() % 60; step > 0; --step) {
            const std::string piece(random() % 40, static_cast<char>('a' + random() % 26));
            tail.append(random() % 2 == 0 ? out : error, piece);
            all += piece;
        }

        std::string kept;
        for (const OutputChunk& chunk : tail.chunks())
            kept += chunk.bytes;

        REQUIRE(kept == all.substr(all.size() - std::min(size, all.size())));
        REQUIRE(tail.bytes_dropped() == all.size() - kept.size());
    }
}
