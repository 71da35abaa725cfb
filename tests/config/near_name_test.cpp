#include "config/near_name.hpp"

#include <doctest/doctest.h>

using namespace jobrunner;

TEST_CASE("near name: the nearest of the names within reach")
{
    const std::vector<std::string> names{"slots", "lease", "labels", "name", "shutdown_timeout"};

    CHECK(near_name("slot", names) == "slots");
    CHECK(near_name("lables", names) == "labels");
    CHECK(near_name("Lease", names) == "lease");
    CHECK(near_name("shutdown-timeout", names) == "shutdown_timeout");
    CHECK(near_name("colour", names) == std::nullopt);
    CHECK(near_name("", names) == std::nullopt);
    CHECK(near_name(std::string(100'000, 's'), names) == std::nullopt);
}
