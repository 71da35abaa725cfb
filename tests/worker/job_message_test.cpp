#include "worker/job_message.hpp"

#include "core/error.hpp"

#include <doctest/doctest.h>

using namespace jobrunner;

TEST_CASE("job message: done carries its result as it was written")
{
    const auto report = std::get<RunReport>(parse_job_message(R"({"type":"done","result":{"rows":17}})"));

    CHECK(report.end == RunEnd::succeeded);
    CHECK(report.result == R"({"rows":17})");
}

TEST_CASE("job message: fail says whether and when to try again")
{
    const auto later = std::get<RunReport>(parse_job_message(
        R"({"type":"fail","error":"no","class":"E","backtrace":["a","b"],"retry_in_ms":1500})"));
    CHECK(later.end == RunEnd::failed);
    CHECK(later.error == "no");
    CHECK(later.error_class == "E");
    CHECK(later.backtrace == "a\nb\n");
    CHECK(later.delay == Milliseconds{1500});

    const auto never =
        std::get<RunReport>(parse_job_message(R"({"type":"fail","error":"no","retry":false})"));
    CHECK(never.end == RunEnd::failed_for_good);
}

TEST_CASE("job message: snooze, extend, progress and log")
{
    CHECK(std::get<RunReport>(parse_job_message(R"({"type":"snooze","in_ms":5})")).end == RunEnd::snoozed);
    CHECK(std::get<JobExtend>(parse_job_message(R"({"type":"extend","by_ms":70})")).by == Milliseconds{70});
    CHECK(std::get<JobLogLine>(parse_job_message(R"({"type":"log","line":"x"})")).line == "x");

    const auto progress = std::get<JobProgress>(
        parse_job_message(R"({"type":"progress","percent":140,"checkpoint":{"at":3}})"));
    CHECK(progress.percent == 100.0);
    CHECK_FALSE(progress.note.has_value());
    CHECK(progress.checkpoint == R"({"at":3})");
}

TEST_CASE("job message: results and checkpoints keep every digit, and what no database takes is scrubbed")
{
    const std::string exact = R"({"n": 123456789012345678901234567890, "d": 0.10})";
    const auto report = std::get<RunReport>(parse_job_message(R"({"type":"done","result":)" + exact + "}"));
    CHECK(report.result == exact);
    const auto progress =
        std::get<JobProgress>(parse_job_message(R"({"type":"progress","checkpoint":[1e300, "\u0000"]})"));
    CHECK(progress.checkpoint == R"([1e300, "\ufffd"])");
    CHECK(std::get<JobLogLine>(parse_job_message("{\"type\":\"log\",\"line\":\"\xff\"}")).line ==
        "\xEF\xBF\xBD");
}

TEST_CASE("job message: what nests without end is refused, and takes nobody's stack")
{
    const auto nested = [](std::size_t depth) {
        return R"({"type":"done","id":"1","result":)" + std::string(depth, '[') + std::string(depth, ']') +
            "}";
    };
    CHECK(std::get<RunReport>(parse_job_message(nested(400))).result.has_value());
    for (const std::size_t depth : {std::size_t{600}, std::size_t{400'000}}) {
        CHECK_THROWS_WITH_AS(static_cast<void>(parse_job_message(nested(depth))),
            doctest::Contains("nests more than 500"), Error);
        CHECK_THROWS_AS(static_cast<void>(parse_service_message(nested(depth))), Error);
    }
}

TEST_CASE("job message: what is none is refused in words that do not quote it")
{
    for (const char* line :
        {"", "hello", "[1]", "{\"type\":\"dance\"}", "{\"no\":\"type\"}", R"({"type":"snooze","in_ms":-1})",
            R"({"type":"done","result":1e400})", R"({"type":"extend","by_ms":"soon"})"}) {
        CAPTURE(line);
        CHECK_THROWS_WITH_AS(
            static_cast<void>(parse_job_message(line)), doctest::Contains("malformed"), Error);
    }
}
