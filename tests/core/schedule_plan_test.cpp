#include "core/schedule_plan.hpp"

#include "core/error.hpp"

#include <doctest/doctest.h>

using namespace jobrunner;
using namespace std::chrono;
using namespace std::chrono_literals;

namespace {

class Utc final : public ZoneRules {
public:
    [[nodiscard]] ZonePeriod period_at(sys_seconds) const override
    {
        return {sys_days(1900y / 1 / 1), sys_days(2200y / 1 / 1), 0s};
    }
};

const Utc utc;
const ScheduleExpression hourly("@hourly");
const sys_seconds noon = sys_days(2026y / June / 1) + 12h;

// Hours from noon of the runs that are planned.
std::vector<int> planned(std::optional<sys_seconds> due, sys_seconds now, const std::string& missed)
{
    std::vector<int> hours_from_noon;
    for (const auto& run : plan_schedule(hourly, utc, due, now, parse_missed(missed)).runs) {
        hours_from_noon.push_back(static_cast<int>((run.due - noon) / 1h));
    }
    return hours_from_noon;
}

} // namespace

TEST_CASE("schedule plan: at its time a schedule runs once, whatever the rule for missed times")
{
    for (const std::string missed : {"none", "last", "all up to 5"}) {
        CAPTURE(missed);
        CHECK(planned(noon, noon, missed) == std::vector{0});
        CHECK(planned(noon, noon + 59s, missed) == std::vector{0});
        CHECK(planned(noon, noon - 1s, missed).empty());
    }
    CHECK(plan_schedule(hourly, utc, noon, noon, {}).next == noon + 1h);
    CHECK(plan_schedule(hourly, utc, noon, noon - 1s, {}).next == noon);
}

TEST_CASE("schedule plan: missed times are left, or the last, or as many as wanted are made up for")
{
    const auto now = noon + 10h + 30min;

    CHECK(planned(noon, now, "none").empty());
    CHECK(planned(noon, now, "last") == std::vector{10});
    CHECK(planned(noon, now, "all up to 3") == std::vector{8, 9, 10});
    CHECK(planned(noon, now, "all up to 1000").size() == 11);
    CHECK(planned(noon, noon + 10h, "none") == std::vector{10});
}

TEST_CASE("schedule plan: a new one starts from now")
{
    const auto plan = plan_schedule(hourly, utc, std::nullopt, noon + 30min, parse_missed("all up to 10"));

    CHECK(plan.runs.empty());
    CHECK(plan.next == noon + 1h);
}

TEST_CASE("schedule plan: jitter is the same for one due time and spreads others")
{
    CHECK(jitter_delay("a", noon, 0ms) == 0ms);
    CHECK(jitter_delay("a", noon, 1h) == jitter_delay("a", noon, 1h));
    CHECK(jitter_delay("a", noon, 1h) != jitter_delay("b", noon, 1h));
    Milliseconds sum{0};
    for (int day = 0; day < 1000; ++day) {
        const auto delay = jitter_delay("a", noon + days(day), 1h);
        CHECK(delay >= 0ms);
        CHECK(delay <= 1h);
        sum += delay;
    }
    CHECK(sum / 1000 > 25min);
    CHECK(sum / 1000 < 35min);
}

TEST_CASE("schedule plan: rules for missed times that are none are refused")
{
    for (const std::string bad :
        {"", "all", "all up to", "all up to 0", "all up to 1001", "all up to 3x", "LAST"}) {
        CAPTURE(bad);
        CHECK_THROWS_AS((void)parse_missed(bad), Error);
    }
}
