#include "config/config_fixture.hpp"

#include <doctest/doctest.h>

using namespace jobrunner;
using namespace jobrunner::tests;

TEST_CASE_FIXTURE(ConfigFixture, "schedules: every key")
{
    const auto config = load(R"(
[schedules."bills.monthly"]
cron = "0 2 1 * *"
time_zone = "Europe/Berlin"
kind = "billing.close_month"
args = { tariff = "green", limits = [1, 2.5], open = true }
overlap = "skip"
missed = "all up to 12"
jitter = "5m"
queue = "bulk"
priority = 5
max_attempts = 3
timeout = "1m30s"
unique_key = "bills"
tags = ["billing"]
requires = ["printer"]
meta = { team = "finance" }
)");

    REQUIRE(config.schedules.has_value());
    REQUIRE(config.schedules->size() == 1);
    const auto& one = config.schedules->front();
    CHECK(one.name == "bills.monthly");
    CHECK(one.expression == "0 2 1 * *");
    CHECK(one.time_zone == "Europe/Berlin");
    CHECK(one.kind == "billing.close_month");
    CHECK(one.args.find("\"tariff\"") != std::string::npos);
    CHECK(one.overlap == "skip");
    CHECK(one.missed == "all up to 12");
    CHECK(one.jitter == std::chrono::minutes(5));
    CHECK(one.options ==
        R"({"queue":"bulk","priority":5,"max_attempts":3,"timeout":90.0,"unique_key":"bills","requires":["printer"],)"
        R"("tags":["billing"],"meta":{"team":"finance"}})");
}

TEST_CASE_FIXTURE(
    ConfigFixture, "schedules: a file without the table says nothing of them, an empty table says none")
{
    CHECK_FALSE(load("").schedules.has_value());
    CHECK(load("[schedules]\n").schedules->empty());
}

TEST_CASE_FIXTURE(ConfigFixture, "schedules: mistakes name line and key")
{
    CHECK(refusal("[schedules.a]\nkind = \"b\"\n").find("jobrunner.toml:1: schedules.a: has no cron") == 0);
    CHECK(
        refusal("[schedules.a]\ncron = \"@daily\"\n").find("schedules.a: has no kind") != std::string::npos);
    CHECK(refusal("[schedules.a]\nkind = \"b\"\ncron = \"0 0 31 2 *\"\n")
              .find("jobrunner.toml:3: schedules.a.cron: ") == 0);
    const std::string good = "[schedules.a]\nkind = \"b\"\ncron = \"@daily\"\n";
    CHECK(refusal(good).empty());
    CHECK(refusal(good + "time_zone = \"Europe/Atlantis\"\n").find(":4: schedules.a.time_zone: ") !=
        std::string::npos);
    CHECK(refusal(good + "overlap = \"wait\"\n").find(":4: schedules.a.overlap: ") != std::string::npos);
    CHECK(refusal(good + "missed = \"all\"\n").find(":4: schedules.a.missed: is \"all\"; none, last") !=
        std::string::npos);
    CHECK(refusal(good + "args = 5\n").find(":4: schedules.a.args: ") != std::string::npos);
    CHECK(refusal(good + "queu = \"bulk\"\n").find("queue") != std::string::npos);
}
