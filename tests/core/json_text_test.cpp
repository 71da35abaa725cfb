#include "core/json_text.hpp"

#include "core/error.hpp"

#include <doctest/doctest.h>

using namespace jobrunner;

namespace {

std::string complaint(std::string_view text)
{
    try {
        check_json_object(text, "args");
        return "";
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::usage);
        return error.what();
    }
}

} // namespace

TEST_CASE("json: what is strict JSON is accepted")
{
    for (const std::string_view text :
        {R"({})", R"( {"a": [1, -0.5e+10, true, false, null, "\u00e9\ud83c\udf89\n"]} )",
            R"({"n": 123456789012345678901234567890.10})", "{\"a\":\n\t1}"}) {
        CHECK(complaint(text) == "");
        CHECK(is_storable_json(text));
    }
}

TEST_CASE("json: a complaint says where and what")
{
    CHECK(complaint(R"({"a": 1,})") == "args: is no JSON: column 9: a value was expected after the comma");
    CHECK(complaint("{\n  'a': 1}") ==
        "args: is no JSON: line 2, column 3: a member's name in double quotes was expected here");
    CHECK(complaint("") == "args: is no JSON: column 1: it ends where a JSON value was expected");
    CHECK(complaint("[1]") == "args: is no JSON object; something like {\"path\": \"/tmp/a\"} was expected");
    CHECK(complaint(R"({"a": 1} x)") == "args: is no JSON: column 10: the end was expected here");
}

TEST_CASE("json: what databases refuse, and what is no JSON, is refused early")
{
    for (const std::string_view text :
        {R"({"a": "\u0000"})", R"({"a": "\ud800"})", R"({"a": "\udc00\ud800"})", R"({"a": 01})",
            R"({"a": .5})", R"({"a": 1.})", R"({"a": +1})", R"({"a": NaN})", R"({"a": "\x"})", R"({"a" 1})",
            R"({"a": "b)", R"({"a": 1)", R"({a: 1})", "{\"a\": \"\n\"}", "{\"a\": \"\xff\"}", R"({"a": tru})",
            R"({"a": 1 "b": 2})", R"([1,,2])", "{\"a\": \"\\"}) {
        CAPTURE(text);
        CHECK_FALSE(is_storable_json(text));
    }
    CHECK_FALSE(is_storable_json(std::string(501, '[') + std::string(501, ']')));
    CHECK(is_storable_json(std::string(500, '[') + std::string(500, ']')));
}

TEST_CASE("json: members and elements are slices, and strings are decoded")
{
    const auto members =
        json_members(R"( {"id": 9007199254740993, "text": "a\u00e9\ud83c\udf89\"", "list": [1, [2], "x"]} )");

    REQUIRE(members.size() == 3);
    CHECK(members[0].name == "id");
    CHECK(members[0].value == "9007199254740993");
    CHECK(json_string(members[1].value) == "aé🎉\"");
    CHECK(json_elements(members[2].value) == std::vector<std::string_view>{"1", "[2]", "\"x\""});
    CHECK(json_type(members[2].value) == JsonType::array);
}
