#include "core/lane_book.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace jobrunner;
using namespace std::chrono_literals;

namespace {

const LaneBook::Time start = LaneBook::Time{} + 1h;

LaneFound found(const Lane& lane, std::int64_t first, std::int64_t last)
{
    return {lane, first, last};
}

void learn(LaneBook& book, const LaneFound& one)
{
    book.learn({&one, 1});
}

ClaimedJob job(const Lane& lane, std::int64_t position)
{
    ClaimedJob job;
    job.queue = lane.queue;
    job.priority = lane.priority;
    job.position = position;
    return job;
}

// A claim of everything that the book suspects, which gave these jobs.
void observe(LaneBook& book, int limit, const std::vector<ClaimedJob>& claimed, LaneBook::Time now)
{
    const auto asked = book.claims(limit);
    book.observe(asked, limit, claimed, now);
}

bool is_below(const Lane& lane, std::int64_t position, const LaneRange& range)
{
    return (lane > range.low || (lane == range.low && position > range.low_position)) && lane < range.high;
}

// How many of the ranges hold this place.
long covered(const std::vector<LaneRange>& ranges, const Lane& lane, std::int64_t position)
{
    return std::count_if(ranges.begin(), ranges.end(),
        [&](const LaneRange& range) { return is_below(lane, position, range); });
}

const Lane a{"a", 0};
const Lane b{"b", 0};

} // namespace

TEST_CASE("lane book: without queues everything is covered, once")
{
    LaneBook book;
    for (const bool from_bottom : {true, false}) {
        for (const auto& lane : {Lane{"", -32'768}, Lane{"default", 32'767}, Lane{"\xF4\x8F\xBF\xBE", 0}}) {
            CHECK(covered(book.ranges(from_bottom), lane, 1) == 1);
        }
    }

    learn(book, found(a, 5, 9));
    learn(book, found({"a", 3}, 5, 9));
    learn(book, found(b, 5, 9));
    for (const bool from_bottom : {true, false}) {
        for (const auto& lane :
            {Lane{"", 0}, a, Lane{"a", 1}, Lane{"a", 3}, Lane{"aa", 0}, b, Lane{"c", 0}}) {
            CHECK(covered(book.ranges(from_bottom), lane, 7) == 1);
        }
    }
}

TEST_CASE("lane book: with queues only theirs are covered")
{
    const LaneBook book({"b", "a"});

    CHECK(covered(book.ranges(true), {"a", -32'768}, 1) == 1);
    CHECK(covered(book.ranges(true), {"b", 32'767}, 1) == 1);
    CHECK(covered(book.ranges(true), {"aa", 0}, 1) == 0);
    CHECK(covered(book.ranges(true), {"c", 0}, 1) == 0);
}

TEST_CASE("lane book: a known lane is a range by itself, so that it hides none behind it")
{
    LaneBook book;
    learn(book, found(a, 5, 9));

    const auto ranges = book.ranges(true);

    for (const auto& range : ranges) {
        CHECK_FALSE((is_below(a, 7, range) && is_below(b, 7, range)));
    }
}

TEST_CASE("lane book: nothing is claimed from lanes that nobody suspects")
{
    LaneBook book;
    CHECK(book.claims(5).empty());

    learn(book, found(a, 5, 9));
    REQUIRE(book.claims(5).size() == 1);
    CHECK(book.claims(5)[0].lane == a);
    CHECK(book.claims(5)[0].limit == 5);
    CHECK(book.claims(5)[0].floor < 5);

    observe(book, 5, {job(a, 5)}, start);
    CHECK(book.claims(5).empty());
}

TEST_CASE("lane book: a lane that gave as many as asked for stays suspected")
{
    LaneBook book;
    learn(book, found(a, 1, 9));
    learn(book, found(b, 1, 9));

    // The limit in all was reached in a: b was not looked at.
    observe(book, 2, {job(a, 1), job(a, 2)}, start);

    CHECK(book.claims(2).size() == 2);
}

TEST_CASE("lane book: lanes come by priority, and queues of one priority in turns")
{
    LaneBook book;
    for (const auto& lane : {Lane{"a", 1}, Lane{"b", 0}, Lane{"c", 0}, Lane{"d", -1}}) {
        learn(book, found(lane, 1, 9));
    }

    std::vector<std::string> seconds;
    for (int i = 0; i < 4; ++i) {
        const auto claims = book.claims(1);
        REQUIRE(claims.size() == 4);
        CHECK(claims[0].lane.queue == "d");
        CHECK(claims[3].lane.queue == "a");
        seconds.push_back(claims[1].lane.queue);
    }
    CHECK(std::count(seconds.begin(), seconds.end(), "b") >= 1);
    CHECK(std::count(seconds.begin(), seconds.end(), "c") >= 1);
}

TEST_CASE("lane book: at most so many lanes at once, the most urgent of them")
{
    LaneBook book;
    for (int priority = 0; priority < 200; ++priority) {
        learn(book, found({"a", priority}, 1, 9));
    }

    const auto claims = book.claims(1);

    CHECK(claims.size() == LaneBook::lanes_max);
    CHECK(claims[0].lane.priority == 0);
    CHECK(claims.back().lane.priority == static_cast<int>(LaneBook::lanes_max) - 1);
}

TEST_CASE("lane book: the floor follows what was read, but not before the lag has passed")
{
    LaneBook book;
    learn(book, found(a, 1, 100));
    observe(book, 2, {job(a, 1), job(a, 2)}, start);
    CHECK(book.claims(2)[0].floor == 0);

    observe(book, 2, {job(a, 3), job(a, 4)}, start + LaneBook::lag / 2);
    CHECK(book.claims(2)[0].floor == 0);

    observe(book, 2, {job(a, 5), job(a, 6)}, start + LaneBook::lag);
    CHECK(book.claims(2)[0].floor == 2);

    observe(book, 2, {job(a, 7), job(a, 8)}, start + 10 * LaneBook::lag);
    CHECK(book.claims(2)[0].floor >= 4);
    CHECK(book.claims(2)[0].floor <= 6);
}

TEST_CASE("lane book: a lane that gave nothing is read up to its last seen end")
{
    LaneBook book;
    learn(book, found(a, 40, 60)); // Others have them in hand.
    observe(book, 5, {}, start);
    learn(book, found(a, 60, 60));
    observe(book, 5, {}, start + LaneBook::lag);
    learn(book, found(a, 70, 70));

    CHECK(book.claims(5)[0].floor == 60);
}

TEST_CASE("lane book: what appears below a floor lowers it")
{
    LaneBook book;
    learn(book, found(a, 1, 100));
    observe(book, 1, {job(a, 50)}, start);
    observe(book, 1, {job(a, 51)}, start + LaneBook::lag);
    REQUIRE(book.claims(1)[0].floor == 50);

    // A late commit, found from the bottom.
    CHECK(covered(book.ranges(true), a, 7) == 1);
    CHECK(covered(book.ranges(false), a, 7) == 0);
    learn(book, found(a, 7, 100));

    CHECK(book.claims(1)[0].floor == 6);
    CHECK(covered(book.ranges(false), a, 7) == 1);
    observe(book, 1, {job(a, 7)}, start + 2 * LaneBook::lag);
    CHECK(book.claims(1)[0].floor < 8);
}

TEST_CASE("lane book: news suspects the lanes that gave jobs last")
{
    LaneBook book;
    learn(book, found(a, 1, 1));
    learn(book, found(b, 1, 1));
    observe(book, 5, {job(a, 1)}, start);
    REQUIRE(book.claims(5).empty());

    book.suspect_recent(start + LaneBook::recent_for);

    REQUIRE(book.claims(5).size() == 1);
    CHECK(book.claims(5)[0].lane == a);
}

TEST_CASE("lane book: a lane that gave a job stays recent for a while, though claims find nothing more")
{
    LaneBook book;
    learn(book, found(a, 1, 1));
    observe(book, 5, {job(a, 1)}, start);
    book.suspect_recent(start + 1ms);
    observe(book, 5, {}, start + 1ms);
    REQUIRE(book.claims(5).empty());

    book.suspect_recent(start + 3ms);
    CHECK(book.claims(5).size() == 1);

    observe(book, 5, {}, start + 3ms);
    book.suspect_recent(start + LaneBook::recent_for + 1ms);
    CHECK(book.claims(5).empty());
}

TEST_CASE("lane book: paused queues are left out, and looked at afresh afterwards")
{
    LaneBook book;
    learn(book, found(a, 1, 100));
    learn(book, found(b, 1, 100));
    observe(book, 1, {job(a, 50)}, start);
    observe(book, 1, {job(a, 51)}, start + LaneBook::lag);

    book.set_paused({"a"});
    CHECK(covered(book.ranges(false), a, 99) == 0);
    CHECK(covered(book.ranges(true), {"a", 5}, 1) == 0);
    CHECK(covered(book.ranges(true), {"aa", 0}, 1) == 1);
    CHECK(covered(book.ranges(true), b, 1) == 1);
    learn(book, found(a, 1, 100));
    for (const auto& claim : book.claims(1)) {
        CHECK(claim.lane.queue != "a");
    }

    book.set_paused({});
    CHECK(covered(book.ranges(false), a, 1) == 1);
}

TEST_CASE("lane book: a reset forgets floors")
{
    LaneBook book;
    learn(book, found(a, 1, 100));
    observe(book, 1, {job(a, 50)}, start);
    observe(book, 1, {job(a, 51)}, start + LaneBook::lag);

    book.reset({"a"});

    CHECK(book.claims(1).empty());
    CHECK(covered(book.ranges(false), a, 1) == 1);
    CHECK(covered(book.ranges(false), b, 1) == 0);
}

TEST_CASE("lane book: ever new queues do not fill it, and what is forgotten is looked at from the bottom")
{
    LaneBook book;
    learn(book, found(a, 1, 1));
    observe(book, 5, {}, start);
    REQUIRE(book.claims(5).empty());
    const Lane urgent{"z", -1};
    learn(book, found(urgent, 1, 1));
    for (std::size_t i = 0; i < 2 * LaneBook::known_max; ++i) {
        learn(book, found({"queue " + std::to_string(i), 0}, 1, 100));
    }

    CHECK(book.ranges(false).size() <= 2 * LaneBook::known_max + 1);
    CHECK(book.claims(1)[0].lane == urgent);
    CHECK(covered(book.ranges(false), a, 1) == 1);
}

namespace {

// Claims again and again, while every lane has more than is asked for; returns how many jobs each queue gave.
std::map<std::string, int> served(LaneBook& book, int rounds, int limit)
{
    std::map<std::string, int> given;
    std::int64_t position = 0;
    for (int i = 0; i < rounds; ++i) {
        const auto lanes = book.claims(limit);
        std::vector<ClaimedJob> jobs;
        for (const auto& lane : lanes) {
            for (int n = 0; n < lane.limit && static_cast<int>(jobs.size()) < limit; ++n) {
                ClaimedJob job;
                job.queue = lane.lane.queue;
                job.priority = lane.lane.priority;
                job.position = ++position;
                jobs.push_back(job);
                ++given[lane.lane.queue];
            }
        }
        book.observe(lanes, limit, jobs, LaneBook::Time{});
    }
    return given;
}

} // namespace

TEST_CASE("lane book: queues at one priority have their shares, by weight")
{
    LaneBook book;
    book.learn(std::vector<LaneFound>{{{"bulk", 0}, 1, 9}, {{"mail", 0}, 1, 9}});
    book.set_weights({{"mail", 3}});

    SUBCASE("in large claims")
    {
        const auto given = served(book, 10, 100);
        CHECK(given.at("mail") == 750);
        CHECK(given.at("bulk") == 250);
    }
    SUBCASE("one by one")
    {
        const auto given = served(book, 400, 1);
        CHECK(given.at("mail") == 300);
        CHECK(given.at("bulk") == 100);
    }
}

TEST_CASE("lane book: queues without weights are served alike")
{
    LaneBook book;
    book.learn(std::vector<LaneFound>{{{"a", 0}, 1, 9}, {{"b", 0}, 1, 9}, {{"c", 0}, 1, 9}});

    for (const auto& [queue, given] : served(book, 300, 1)) {
        CAPTURE(queue);
        CHECK(given == 100);
    }
}

TEST_CASE("lane book: a queue alone at its priority may take everything, and weights do not count across "
          "priorities")
{
    LaneBook book;
    book.learn(std::vector<LaneFound>{{{"bulk", 5}, 1, 9}, {{"mail", 0}, 1, 9}});
    book.set_weights({{"bulk", 1000}});

    const auto claims = book.claims(100);

    REQUIRE(claims.size() == 2);
    CHECK(claims[0].lane.queue == "mail");
    CHECK(claims[0].limit == 100);
    CHECK(claims[1].limit == 100);
    CHECK(served(book, 10, 100) == std::map<std::string, int>{{"mail", 1000}});
}

TEST_CASE("lane book: a queue that comes back is owed nothing for the time that it asked for nothing")
{
    LaneBook book;
    book.learn(std::vector<LaneFound>{{{"a", 0}, 1, 9}});
    static_cast<void>(served(book, 100, 1));
    book.learn(std::vector<LaneFound>{{{"b", 0}, 1, 9}});

    const auto given = served(book, 100, 1);

    CHECK(given.at("a") == 50);
    CHECK(given.at("b") == 50);
}
