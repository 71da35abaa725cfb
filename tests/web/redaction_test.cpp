#include "web/redaction.hpp"

#include "core/json_text.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace jobrunner;

TEST_CASE("redaction: values of matching names are left out, however deep, whatever their case and type")
{
    const Redaction redaction({"*passw*", "pin", "api_*"});

    CHECK(redaction.applied(R"({"Password": "x", "a": [{"old_passwd": {"deep": 1}}], "PIN": 5})") ==
        R"({"Password":"***","a":[{"old_passwd":"***"}],"PIN":"***"})");
    CHECK(redaction.applied(R"({"pins": 1, "api_": null, "xapi_a": 2})") ==
        R"({"pins":1,"api_":"***","xapi_a":2})");
    CHECK(redaction.applied(R"({"pass\u0077ord": "x"})") == R"({"password":"***"})");
}

TEST_CASE("redaction: all else keeps every digit, names what they need to be JSON")
{
    const Redaction redaction({"secret"});

    CHECK(redaction.applied(R"({"n": 12345678901234567890.000100, "e": 1e400})") ==
        R"({"n":12345678901234567890.000100,"e":1e400})");
    CHECK(redaction.applied(R"({"a\"b\\": "\u0041"})") == R"({"a\"b\\":"\u0041"})");
    CHECK(redaction.applied("[]") == "[]");
    CHECK(redaction.applied("null") == "null");
}

TEST_CASE("redaction: what cannot be looked through is left out as a whole")
{
    const Redaction redaction({"secret"});
    const std::string deep = std::string(100, '[') + R"({"secret": 1})" + std::string(100, ']');

    const auto shown = redaction.applied(deep);
    CHECK(shown.find("secret") == std::string::npos);
    CHECK(is_storable_json(shown));
    CHECK(redaction.applied("{no json") == R"("***")");
    CHECK(Redaction({}).applied(R"({"secret": 1})") == R"({"secret": 1})");
}
