#include "client/json_object.hpp"
#include "client/json_text.hpp"
#include "client/row_json.hpp"
#include "core/error.hpp"

#include <doctest/doctest.h>
#include <limits>
#include <nlohmann/json.hpp>

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

TEST_CASE("shown JSON: every digit stays, and it fits one line")
{
    CHECK(json_shown("{\"a\":\n  [1.10, 123456789012345678901234567890]}") ==
        "{\"a\":   [1.10, 123456789012345678901234567890]}");
}

TEST_CASE("shown JSON: what a terminal might obey is escaped, and means the same")
{
    const std::string stored = "{\"a\": \"\xC2\x9B"
                               "2J\xE2\x80\xAE\xF3\xA0\x81\x81\"}";

    CHECK(json_shown(stored) == R"({"a": "\u009b2J\u202e\udb40\udc41"})");
    CHECK(nlohmann::json::parse(json_shown(stored)) == nlohmann::json::parse(stored));
}

TEST_CASE("shown JSON: text that is no JSON becomes a string")
{
    CHECK(json_shown("{oops\n") == R"("{oops\u000a")");
}

TEST_CASE("rows: 64-bit ids are numbers with all digits, args and result are embedded as they are")
{
    JobRow job;
    job.id = std::numeric_limits<std::int64_t>::max();
    job.kind = "a\"b";
    job.args = R"({"n": 0.10, "big": 18446744073709551617})";
    job.meta = "{}";
    job.result = "[1e400]";
    job.tags = {"x", "y\x1b"};
    job.worker = 9007199254740993;

    const std::string text = to_json(job).str();

    CHECK(text.starts_with(R"({"id":9223372036854775807,"state":"available","kind":"a\"b",)"));
    CHECK(text.find(R"("args":{"n": 0.10, "big": 18446744073709551617})") != std::string::npos);
    CHECK(text.find(R"("result":[1e400])") != std::string::npos);
    CHECK(text.find(R"("tags":["x","y\u001b"])") != std::string::npos);
    CHECK(text.find(R"("worker":9007199254740993)") != std::string::npos);
    CHECK(text.find(R"("finished_at":null)") != std::string::npos);
    CHECK(text.find('\n') == std::string::npos);
}

TEST_CASE("rows: every row is JSON")
{
    CHECK(is_storable_json(to_json(AttemptRow{}).str()));
    CHECK(is_storable_json(to_json(OutputRow{1, 2, "", "out", "\xff\x1b"}).str()));
    CHECK(is_storable_json(to_json(QueueRow{}).str()));
    CHECK(is_storable_json(to_json(WorkerRow{}).str()));
    CHECK(is_storable_json(to_json(KindStatsRow{}).str()));
    CHECK(is_storable_json(to_json(DeadGroup{}).str()));
}
