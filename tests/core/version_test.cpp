#include "core/version.hpp"

#include <doctest/doctest.h>

using namespace jobrunner;

TEST_CASE("version: this build's is three numbers")
{
    CHECK_FALSE(version().empty());
    CHECK_FALSE(is_older(version(), version()));
    CHECK(is_older("0.0.0", version()));
    CHECK(is_older(version(), "999.0.0"));
}

TEST_CASE("version: parts count as numbers, from left to right")
{
    CHECK(is_older("0.9.0", "0.10.0"));
    CHECK(is_older("1.2.3", "1.2.4"));
    CHECK(is_older("1.9.9", "2.0.0"));
    CHECK_FALSE(is_older("2.0.0", "1.9.9"));
    CHECK_FALSE(is_older("1.2.3", "1.2.3"));
}

TEST_CASE("version: missing parts count as 0")
{
    CHECK_FALSE(is_older("1", "1.0.0"));
    CHECK_FALSE(is_older("1.0.0", "1"));
    CHECK(is_older("1", "1.0.1"));
    CHECK(is_older("", "0.0.1"));
}
