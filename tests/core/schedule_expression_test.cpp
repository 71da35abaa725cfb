#include "core/schedule_expression.hpp"

#include "core/error.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace jobrunner;
using namespace std::chrono;
using namespace std::chrono_literals;

namespace {

// Clocks that stand at `standard`, and an hour more from the last Sundays of March to those of October 2026, at 01:00 UTC.
class SummerZone final : public ZoneRules {
public:
    explicit SummerZone(hours standard = 1h, minutes change = 60min) : standard_(standard), change_(change) {}

    [[nodiscard]] ZonePeriod period_at(sys_seconds at) const override
    {
        const sys_seconds spring = sys_days(2026y / March / 29) + 1h;
        const sys_seconds autumn = sys_days(2026y / October / 25) + 1h;
        if (at < spring) {
            return {sys_days(1980y / 1 / 1), spring, standard_};
        }
        return at < autumn ? ZonePeriod{spring, autumn, standard_ + change_}
                           : ZonePeriod{autumn, sys_days(2100y / 1 / 1), standard_};
    }

private:
    seconds standard_;
    seconds change_;
};

class Utc final : public ZoneRules {
public:
    [[nodiscard]] ZonePeriod period_at(sys_seconds) const override
    {
        return {sys_days(1900y / 1 / 1), sys_days(2200y / 1 / 1), 0s};
    }
};

std::string text_of(sys_seconds at)
{
    const auto day = floor<days>(at);
    const year_month_day date(day);
    const hh_mm_ss time(at - day);
    char text[64];
    std::snprintf(text, sizeof text, "%04d-%02u-%02u %02d:%02d:%02d", static_cast<int>(date.year()),
        static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
        static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
        static_cast<int>(time.seconds().count()));
    return text;
}

// The next `count` due times after a UTC day's midnight and an offset into it.
std::string next_times(const std::string& expression, const ZoneRules& zone, sys_seconds after, int count = 1)
{
    const ScheduleExpression schedule(expression);
    std::string texts;
    for (int i = 0; i < count; ++i) {
        const auto at = schedule.next(after, zone);
        if (!at) {
            return texts + "never";
        }
        after = *at;
        texts += (i == 0 ? "" : ", ") + text_of(after);
    }
    return texts;
}

std::string refusal(const std::string& expression)
{
    try {
        const ScheduleExpression schedule(expression);
    } catch (const Error& error) {
        return error.kind() == ErrorKind::usage ? error.what() : "not a usage error";
    }
    return "accepted";
}

std::string words(const std::string& expression)
{
    return ScheduleExpression(expression).words("UTC");
}

const Utc utc;
const SummerZone berlin;

} // namespace

TEST_CASE("schedule: five fields are minute, hour, day, month, weekday; six begin with a second")
{
    const sys_seconds monday = sys_days(2026y / June / 1);

    CHECK(next_times("5 4 * * *", utc, monday) == "2026-06-01 04:05:00");
    CHECK(next_times("7 5 4 * * *", utc, monday) == "2026-06-01 04:05:07");
    CHECK(next_times("0 9 * * 1-5", utc, monday + 10h, 5) ==
        "2026-06-02 09:00:00, 2026-06-03 09:00:00, 2026-06-04 09:00:00, 2026-06-05 09:00:00, 2026-06-08 "
        "09:00:00");
    CHECK(next_times("*/20 22-23 * * *", utc, monday + 22h, 3) ==
        "2026-06-01 22:20:00, 2026-06-01 22:40:00, 2026-06-01 23:00:00");
    CHECK(next_times("0 0 1 jan,JUL *", utc, monday, 2) == "2026-07-01 00:00:00, 2027-01-01 00:00:00");
    CHECK(next_times("10/20 0 * * *", utc, monday, 3) ==
        "2026-06-01 00:10:00, 2026-06-01 00:30:00, 2026-06-01 00:50:00");
}

TEST_CASE("schedule: a due time is later than the time asked for")
{
    const sys_seconds noon = sys_days(2026y / June / 1) + 12h;

    CHECK(next_times("0 12 * * *", utc, noon - 1s) == "2026-06-01 12:00:00");
    CHECK(next_times("0 12 * * *", utc, noon) == "2026-06-02 12:00:00");
}

TEST_CASE("schedule: day and weekday, both restricted, fit by either one; Sunday is 0 and 7")
{
    const sys_seconds june = sys_days(2026y / June / 1) + 1h;

    CHECK(next_times("0 0 13 * fri", utc, june, 3) ==
        "2026-06-05 00:00:00, 2026-06-12 00:00:00, 2026-06-13 00:00:00");
    CHECK(next_times("0 0 * * 7", utc, june) == next_times("0 0 ? * sun", utc, june));
    // A step over all days is a restriction that both must meet.
    CHECK(next_times("0 0 */2 * 1", utc, june, 2) == "2026-06-15 00:00:00, 2026-06-29 00:00:00");
}

TEST_CASE("schedule: leap days, also across a century that has none")
{
    CHECK(next_times("0 0 29 2 *", utc, sys_days(2026y / 1 / 1)) == "2028-02-29 00:00:00");
    CHECK(next_times("0 0 29 2 *", utc, sys_days(2096y / March / 1)) == "2104-02-29 00:00:00");
}

TEST_CASE("schedule: shorthands")
{
    const sys_seconds midday = sys_days(2026y / June / 3) + 12h + 1min;

    CHECK(next_times("@yearly", utc, midday) == "2027-01-01 00:00:00");
    CHECK(next_times("@monthly", utc, midday) == "2026-07-01 00:00:00");
    CHECK(next_times("@weekly", utc, midday) == "2026-06-07 00:00:00");
    CHECK(next_times("@daily", utc, midday) == "2026-06-04 00:00:00");
    CHECK(next_times("@midnight", utc, midday) == "2026-06-04 00:00:00");
    CHECK(next_times("@hourly", utc, midday) == "2026-06-03 13:00:00");
    CHECK(next_times("@every 90s", utc, midday, 2) == "2026-06-03 12:01:30, 2026-06-03 12:03:00");
}

TEST_CASE("schedule: a local time that the clocks skip counts at the change, once")
{
    const sys_seconds before = sys_days(2026y / March / 28) + 12h;

    // 02:30 is skipped: 03:00 summer time is 01:00 UTC.
    CHECK(next_times("30 2 * * *", berlin, before, 2) == "2026-03-29 01:00:00, 2026-03-30 00:30:00");
    CHECK(next_times("*/10 2 * * *", berlin, before, 2) == "2026-03-29 01:00:00, 2026-03-30 00:00:00");
    CHECK(next_times("0 2,3 * * *", berlin, before, 2) == "2026-03-29 01:00:00, 2026-03-30 00:00:00");
    CHECK(next_times("0 3 * * *", berlin, before, 2) == "2026-03-29 01:00:00, 2026-03-30 01:00:00");
    // Not on a day on which it would not have run anyway.
    CHECK(next_times("30 2 * * mon", berlin, before) == "2026-03-30 00:30:00");
}

TEST_CASE("schedule: a local time that the clocks show twice counts the first time")
{
    const sys_seconds before = sys_days(2026y / October / 24) + 12h;

    CHECK(next_times("30 2 * * *", berlin, before, 2) == "2026-10-25 00:30:00, 2026-10-26 01:30:00");
    CHECK(next_times("0,30 2-3 * * *", berlin, before, 4) ==
        "2026-10-25 00:00:00, 2026-10-25 00:30:00, 2026-10-25 02:00:00, 2026-10-25 02:30:00");
    // Also when it is asked between the two.
    CHECK(next_times("30 2 * * *", berlin, sys_days(2026y / October / 25) + 1h) == "2026-10-26 01:30:00");
    CHECK(next_times("30 2 * * *", berlin, sys_days(2026y / October / 25) + 1h + 10min) ==
        "2026-10-26 01:30:00");
}

TEST_CASE("schedule: every hour follows elapsed time across both changes")
{
    CHECK(next_times("30 * * * *", berlin, sys_days(2026y / March / 29), 3) ==
        "2026-03-29 00:30:00, 2026-03-29 01:30:00, 2026-03-29 02:30:00");
    CHECK(next_times("@hourly", berlin, sys_days(2026y / October / 24) + 23h + 30min, 4) ==
        "2026-10-25 00:00:00, 2026-10-25 01:00:00, 2026-10-25 02:00:00, 2026-10-25 03:00:00");
}

TEST_CASE("schedule: changes of half an hour and of a whole day")
{
    const SummerZone half(1h, 30min);
    CHECK(next_times("15 2 * * *", half, sys_days(2026y / March / 28) + 12h, 2) ==
        "2026-03-29 01:00:00, 2026-03-30 00:45:00");

    // Clocks that go from 02:00 on the 29th to 02:00 on the 30th: the 29th has no 12:00, which counts at the change.
    const SummerZone samoa(1h, 24h);
    CHECK(next_times("0 12 * * *", samoa, sys_days(2026y / March / 28) + 12h, 2) ==
        "2026-03-29 01:00:00, 2026-03-29 11:00:00");
}

TEST_CASE("schedule: the last due times of a stretch, however long it was")
{
    const ScheduleExpression each_second("* * * * * *");
    const ScheduleExpression daily("@daily");
    const sys_seconds now = sys_days(2026y / June / 1) + 12h;

    const auto two = each_second.last_between(now - days(2000), now, utc, 2);
    REQUIRE(two.size() == 2);
    CHECK(two.front() == now - 1s);
    CHECK(two.back() == now);
    CHECK(daily.last_between(now - days(2000), now, utc, 3).size() == 3);
    CHECK(daily.last_between(now - days(2), now, utc, 100).size() == 2);
    CHECK(daily.last_between(now - 12h, now, utc, 1) == std::vector<sys_seconds>{now - 12h});
    CHECK(daily.last_between(now - 1h, now, utc, 100).empty());
}

TEST_CASE("schedule: what is no time to run is refused and says why")
{
    CHECK(refusal("0 0 30 2 *") ==
        "\"0 0 30 2 *\" is no time to run: no month that it names has such a day, so it would never run");
    CHECK(refusal("0 0 31 4,6,9,11 *").find("never run") != std::string::npos);
    CHECK(refusal("* * * *").find("it has 4 fields; five were expected") != std::string::npos);
    CHECK(refusal("60 * * * *").find("the minute is \"60\"") != std::string::npos);
    CHECK(refusal("* 24 * * *").find("the hour is \"24\"") != std::string::npos);
    CHECK(refusal("* * 0 * *").find("the day of the month is \"0\"") != std::string::npos);
    CHECK(refusal("* * * 13 *").find("the month is \"13\"") != std::string::npos);
    CHECK(refusal("* * * * 8").find("the weekday is \"8\"") != std::string::npos);
    CHECK(refusal("@every 500ms").find("whole seconds from 1s to 366d") != std::string::npos);
    CHECK(refusal("@sometimes").find("@yearly, @monthly") != std::string::npos);
    for (const std::string bad : {"", "@every", "@every soon", "*/0 * * * *", "5-1 * * * *", "1,,2 * * * *",
             "-1 * * * *", "1- * * * *", "/5 * * * *", "1/ * * * *", "* * * jan-x *", "99999999999 * * * *",
             "* * * * * * *"}) {
        CAPTURE(bad);
        CHECK(refusal(bad).find("is no time to run") != std::string::npos);
    }
    // A weekday makes an impossible day possible: either one fits.
    CHECK(refusal("0 0 30 2 1") == "accepted");
}

TEST_CASE("schedule: in words")
{
    CHECK(ScheduleExpression("0 9 * * 1-5").words("Europe/Berlin") == "every weekday at 09:00 Europe/Berlin");
    CHECK(words("@daily") == "every day at 00:00 UTC");
    CHECK(words("0 9,17 * * mon,wed") == "every Monday and Wednesday at 09:00 and 17:00 UTC");
    CHECK(words("30 6 1 * *") == "on day 1 of the month at 06:30 UTC");
    CHECK(words("30 6 13 * fri") == "on day 13 of the month and on Friday at 06:30 UTC");
    CHECK(words("0 0 1 1 *") == "on day 1 of the month in January at 00:00 UTC");
    CHECK(words("5 30 6 * * *") == "every day at 06:30:05 UTC");
    CHECK(words("* * * * *") == "every minute UTC");
    CHECK(words("*/5 * * * *") == "every 5 minutes UTC");
    CHECK(words("*/5 8-17 * * 1-5") == "every 5 minutes of the hours 8 to 17, every weekday UTC");
    CHECK(words("5,35 * * * *") == "at minute 5 and 35 of every hour UTC");
    CHECK(words("@hourly") == "every hour UTC");
    CHECK(words("0 */2 * * *") == "every 2 hours UTC");
    CHECK(words("*/10 * * * * *") == "every 10 seconds UTC");
    CHECK(words("@every 90s") == "every 90 seconds");
    CHECK(words("@every 2h") == "every 2 hours");
    CHECK(words("@every 1d") == "every day");
}
