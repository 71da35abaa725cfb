#include "client/json_object.hpp"
#include "client/row_json.hpp"
#include "core/error.hpp"
#include "core/json_text.hpp"

#include <doctest/doctest.h>
#include <limits>
#include <nlohmann/json.hpp>

using namespace jobrunner;

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
