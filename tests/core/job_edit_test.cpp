#include "core/job_edit.hpp"

#include "core/error.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace jobrunner;

TEST_CASE("job edit: the columns of a waiting job may be changed")
{
    CHECK_NOTHROW(check_changes("{}"));
    CHECK_NOTHROW(check_changes(R"({"kind": "a", "args": {}, "queue": "q", "priority": 1, "max_attempts": 2,
        "timeout": "5 minutes", "expires_at": null, "tags": [], "meta": {}})"));
}

TEST_CASE("job edit: other columns are refused by name")
{
    for (const std::string column :
        {"id", "state", "fence", "worker", "attempt", "run_at", "unique_key", ""}) {
        CAPTURE(column);
        try {
            check_changes(R"({"priority": 1, ")" + column + R"(": 1})");
            FAIL("an Error was expected");
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::refused);
            CHECK(std::string(error.what()).find("\"" + column + "\"") != std::string::npos);
        }
    }
}

TEST_CASE("job edit: changes are an object")
{
    for (const auto* changes : {"", "[]", "1", "{", "null", R"("kind")"}) {
        CAPTURE(std::string(changes));
        CHECK_THROWS_AS(check_changes(changes), Error);
    }
}
