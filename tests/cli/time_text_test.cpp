#include "cli/time_for_people.hpp"
#include "client/time_text.hpp"
#include "core/error.hpp"

#include <cstdlib>
#include <ctime>
#include <doctest/doctest.h>
#include <stdlib.h>

using namespace jobrunner;
using namespace std::chrono_literals;

namespace {

// Berlin's rules, spelled out so that no time zone database is needed.
struct InBerlin {
    InBerlin() { set("CET-1CEST,M3.5.0,M10.5.0/3"); }
    ~InBerlin() { set("UTC"); }
    static void set(const char* zone)
    {
        ::setenv("TZ", zone, 1);
        ::tzset();
    }
};

} // namespace

TEST_CASE_FIXTURE(InBerlin, "instant: with a zone the zone counts")
{
    CHECK(read_instant("2026-01-31T09:00:00Z", "--at") == "2026-01-31T09:00:00.000Z");
    CHECK(read_instant("2026-01-31T09:00:00.5+01:00", "--at") == "2026-01-31T08:00:00.500Z");
    CHECK(read_instant("2026-01-01 00:30-0730", "--at") == "2026-01-01T08:00:00.000Z");
    CHECK(read_instant("2026-01-31t09:00:00.123456789z", "--at") == "2026-01-31T09:00:00.123Z");
    CHECK(read_instant("2026-01-31T09:00+01", "--at") == "2026-01-31T08:00:00.000Z");
}

TEST_CASE_FIXTURE(InBerlin, "instant: without a zone it is local time, in summer and in winter")
{
    CHECK(read_instant("2026-01-31T09:00", "--at") == "2026-01-31T08:00:00.000Z");
    CHECK(read_instant("2026-07-31 09:00:00", "--at") == "2026-07-31T07:00:00.000Z");
    CHECK(read_instant("2026-07-31", "--at") == "2026-07-30T22:00:00.000Z");
}

TEST_CASE("instant: what is none is refused with the name of the flag")
{
    for (const char* text :
        {"", "tomorrow", "2026-02-30", "2026-13-01", "2026-01-31T25:00", "2026-01-31T09:00:00Zx",
            "2026-01-31T", "31.1.2026", "2026-1-31", "infinity", "2026-01-31T09:00+1", "-026-01-31", "10m"}) {
        CAPTURE(text);
        CHECK_THROWS_AS((void)read_instant(text, "--at"), Error);
    }
    CHECK_THROWS_WITH_AS((void)read_instant("soon", "--expires-at"),
        "--expires-at: is \"soon\"; a time such as 2026-01-31T09:00 or 2026-01-31T09:00:00Z was expected",
        Error);
}

TEST_CASE("instant or length: both are told apart")
{
    CHECK(std::get<Milliseconds>(read_instant_or_length("1h30m", "--since")) == 90min);
    CHECK(std::get<Instant>(read_instant_or_length("2026-01-31T09:00Z", "--since")) ==
        "2026-01-31T09:00:00.000Z");
    CHECK_THROWS_AS((void)read_instant_or_length("x", "--since"), Error);
}

TEST_CASE("instant: databases' instants are read back")
{
    const Instant instant = "2026-01-31T09:00:00.007Z";

    CHECK(to_instant(*to_time_point(instant)) == instant);
    CHECK(to_time_point("2026-01-31T09:00:00") == std::nullopt);
    CHECK(to_time_point("infinity") == std::nullopt);
}

TEST_CASE_FIXTURE(InBerlin, "people see local time and how far away it is")
{
    const auto now = *to_time_point("2026-01-31T10:00:00.000Z");

    CHECK(local_time(now, Instant("2026-01-31T09:57:00.000Z")) == "2026-01-31 10:57:00 (3m ago)");
    CHECK(local_time(now, Instant("2026-01-31T10:05:30.000Z")) == "2026-01-31 11:05:30 (in 5m)");
    CHECK(local_time(now, Instant("2026-01-31T10:00:00.400Z")) == "2026-01-31 11:00:00 (now)");
    CHECK(short_time(now, Instant("2026-01-31T09:57:00.000Z")) == "10:57:00 (3m ago)");
    CHECK(short_time(now, Instant("2026-01-19T09:57:00.000Z")) == "2026-01-19 (12d ago)");
    CHECK(relative_to(now, "2026-01-31T10:59:59.900Z") == "in 1h");
    CHECK(local_time(now, std::nullopt).empty());
    CHECK(local_time(now, Instant("nonsense")) == "nonsense");
}

TEST_CASE("rough lengths and sizes")
{
    CHECK(rough_length(850ms) == "850ms");
    CHECK(rough_length(3249ms) == "3.2s");
    CHECK(rough_length(3000ms) == "3s");
    CHECK(rough_length(42s) == "42s");
    CHECK(rough_length(12min + 30s) == "12m");
    CHECK(rough_length(47h) == "47h");
    CHECK(rough_length(24h * 12) == "12d");
    CHECK(rough_bytes(512) == "512 B");
    CHECK(rough_bytes(52'428'800) == "50 MiB");
}
