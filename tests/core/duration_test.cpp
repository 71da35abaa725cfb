#include "core/duration.hpp"

#include "core/error.hpp"

#include <doctest/doctest.h>

using namespace jobrunner;
using namespace std::chrono_literals;

TEST_CASE("duration: every unit is read, alone and together")
{
    CHECK(parse_duration("250ms") == 250ms);
    CHECK(parse_duration("30s") == 30s);
    CHECK(parse_duration("5m") == 5min);
    CHECK(parse_duration("1h30m") == 90min);
    CHECK(parse_duration("1.5h") == 90min);
    CHECK(parse_duration("7d") == 7 * 24h);
    CHECK(parse_duration("2w1d1h1m1s1ms") == 15 * 24h + 1h + 1min + 1s + 1ms);
    CHECK(parse_duration("0s") == 0ms);
    CHECK(parse_duration("0.0005s") == 1ms);
}

TEST_CASE("duration: anything else is refused with the text")
{
    const std::string expected = "\" is not a length of time such as 30s, 5m, 1h30m or 7d";
    for (const auto* text : {"", "30", "s", "-5s", "+5s", "5 s", "5S", "1m1h", "1s1s", "1..5s", ".", "1e3s",
             "inf", "nan", "nans", "0x1s", "5min", "101w5h3m0.1", "36601d", "99999999999999999999w"}) {
        CAPTURE(text);
        CHECK_THROWS_WITH_AS(
            (void)parse_duration(text), std::string(1, '"').append(text).append(expected).c_str(), Error);
    }
}

TEST_CASE("duration: the shortest text reads back as the same length")
{
    CHECK(format_duration(0ms) == "0s");
    CHECK(format_duration(1ms) == "1ms");
    CHECK(format_duration(90s) == "1m30s");
    CHECK(format_duration(14 * 24h) == "14d");
    CHECK(format_duration(1500ms) == "1s500ms");
    for (const Milliseconds length : {Milliseconds{999}, Milliseconds{60'001}, Milliseconds{86'400'000}}) {
        CHECK(parse_duration(format_duration(length)) == length);
    }
}
