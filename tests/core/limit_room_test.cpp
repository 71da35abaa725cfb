#include "core/limit_room.hpp"

#include <doctest/doctest.h>

using namespace jobrunner;
using namespace std::chrono_literals;

namespace {

JobLimit at_most(const std::string& line, std::int64_t count)
{
    return {.line = line, .at_most = count, .starts = {}, .period = 0ms};
}

JobLimit starts(const std::string& line, std::int64_t count, Milliseconds period)
{
    return {.line = line, .at_most = {}, .starts = count, .period = period};
}

} // namespace

TEST_CASE("limit room: what runs already counts")
{
    LimitRoom room({{"1:", 2}});

    CHECK_FALSE(room.is_full(at_most("1:", 3)));
    CHECK(room.take(1, {at_most("1:", 3)}) == std::nullopt);
    CHECK(room.is_full(at_most("1:", 3)));
    CHECK(room.take(1, {at_most("1:", 3)}) == "1:");
}

TEST_CASE("limit room: more than allowed may run already, and then nothing more does")
{
    LimitRoom room({{"1:", 9}});
    CHECK(room.take(1, {at_most("1:", 3)}) == "1:");
}

TEST_CASE("limit room: a job takes room under all of its limits or under none")
{
    LimitRoom room({{"2:", 5}});

    CHECK(room.take(1, {at_most("1:", 1), at_most("2:", 5)}) == "2:");
    CHECK(room.take(1, {at_most("1:", 1)}) == std::nullopt);
    CHECK(room.take(1, {at_most("1:", 1), at_most("2:", 9)}) == "1:");
}

TEST_CASE("limit room: jobs count for their cost, and one of a greater cost runs alone")
{
    LimitRoom room({});

    CHECK(room.take(2, {at_most("1:", 5)}) == std::nullopt);
    CHECK(room.take(4, {at_most("1:", 5)}) == "1:");
    CHECK(room.take(3, {at_most("1:", 5)}) == std::nullopt);

    CHECK(room.take(100, {at_most("2:", 5)}) == std::nullopt);
    CHECK(room.take(1, {at_most("2:", 5)}) == "2:");
}

TEST_CASE("limit room: under a limit of 0 nothing runs")
{
    LimitRoom room({});
    CHECK(room.is_full(at_most("1:", 0)));
    CHECK(room.take(1, {at_most("1:", 0)}) == "1:");
}

TEST_CASE("limit room: starts count within their period, and tell when the oldest is out of it")
{
    LimitRoom room({});
    room.set_starts("1:", {.cost = 8, .free_in = 250ms});
    room.set_starts("2:", {.cost = 0, .free_in = {}});
    CHECK(room.knows_starts("1:"));
    CHECK_FALSE(room.knows_starts("3:"));

    CHECK(room.take(1, {starts("1:", 10, 1s), starts("2:", 1, 5s)}) == std::nullopt);
    CHECK(room.again() == std::nullopt);
    CHECK(room.take(1, {starts("2:", 1, 5s)}) == "2:");
    CHECK(room.again() == 5s);
    CHECK(room.take(2, {starts("1:", 10, 1s)}) == "1:");
    CHECK(room.again() == 250ms);

    CHECK(room.fresh_starts() == std::map<std::string, std::int64_t>{{"1:", 1}, {"2:", 1}});
}
