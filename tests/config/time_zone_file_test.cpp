#include "config/time_zone_file.hpp"

#include "core/error.hpp"
#include "core/schedule_expression.hpp"

#include <doctest/doctest.h>

using namespace jobrunner;
using namespace std::chrono;
using namespace std::chrono_literals;

TEST_CASE("time zone: the host's database knows summer time and zones without changes")
{
    const ScheduleExpression nine("0 9 * * *");

    const auto berlin = find_time_zone("Europe/Berlin");
    CHECK(nine.next(sys_days(2026y / January / 5), *berlin) == sys_days(2026y / January / 5) + 8h);
    CHECK(nine.next(sys_days(2026y / July / 6), *berlin) == sys_days(2026y / July / 6) + 7h);
    CHECK(nine.next(sys_days(2026y / July / 6), *find_time_zone("UTC")) == sys_days(2026y / July / 6) + 9h);
    CHECK(nine.next(sys_days(2026y / July / 6), *find_time_zone("Asia/Kolkata")) ==
        sys_days(2026y / July / 6) + 3h + 30min);
}

TEST_CASE("time zone: periods follow each other without a gap")
{
    const auto zone = find_time_zone("Africa/Casablanca");
    auto period = zone->period_at(sys_days(2024y / January / 1));

    for (int i = 0; i < 12; ++i) {
        const auto next = zone->period_at(period.end);
        CHECK(next.begin == period.end);
        CHECK(next.offset != period.offset);
        CHECK(zone->period_at(next.end - 1s).begin == next.begin);
        period = next;
    }
}

TEST_CASE("time zone: an unknown one is refused by name")
{
    try {
        (void)find_time_zone("Europe/Atlantis");
        FAIL("an Error was expected");
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::usage);
        CHECK(std::string(error.what()).find("\"Europe/Atlantis\" is no time zone") == 0);
    }
    CHECK_THROWS_AS((void)find_time_zone(""), Error);
    CHECK_THROWS_AS((void)find_time_zone("../../etc/passwd"), Error);
}
