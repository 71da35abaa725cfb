#include "config_fixture.hpp"

#include <doctest/doctest.h>

using namespace jobrunner;
using jobrunner::tests::ConfigFixture;

TEST_CASE_FIXTURE(ConfigFixture, "find: the flag wins over the variable, and that over the places")
{
    const auto flag = write("", "flag.toml");
    const auto variable = write("", "variable.toml");
    const auto first = write("", "first.toml");
    const auto second = write("", "second.toml");

    CHECK(find_config({flag, variable, {first, second}}) == flag);
    CHECK(find_config({std::nullopt, variable, {first, second}}) == variable);
    CHECK(find_config({std::nullopt, "", {first, second}}) == first);
    CHECK(find_config({std::nullopt, std::nullopt, {directory / "absent.toml", second}}) == second);
    CHECK(find_config({std::nullopt, std::nullopt, {directory / "absent.toml"}}) == std::nullopt);
}

TEST_CASE_FIXTURE(ConfigFixture, "find: a named file that does not exist is an error that says who named it")
{
    const auto there = write("", "there.toml");

    CHECK_THROWS_WITH_AS((void)find_config({"/absent/a.toml", std::nullopt, {there}}),
        "--config: \"/absent/a.toml\" does not exist; a configuration file was expected", Error);
    CHECK_THROWS_WITH_AS((void)find_config({std::nullopt, "/absent/b.toml", {there}}),
        "$JOBRUNNER_CONFIG: \"/absent/b.toml\" does not exist; a configuration file was expected", Error);
}

TEST_CASE("find: the working directory comes before /etc")
{
    CHECK(ConfigSources{}.places ==
        std::vector<std::filesystem::path>{"jobrunner.toml", "/etc/jobrunner/jobrunner.toml"});
}
