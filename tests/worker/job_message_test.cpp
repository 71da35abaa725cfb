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

TEST_CASE("job message: what is none is refused in words that do not quote it")
{
    for (const char* line : {"", "hello", "[1]", "{\"type\":\"dance\"}", "{\"no\":\"type\"}",
             R"({"type":"snooze","in_ms":-1})", R"({"type":"extend","by_ms":"soon"})"}) {
        CAPTURE(line);
        CHECK_THROWS_WITH_AS(
            static_cast<void>(parse_job_message(line)), doctest::Contains("malformed"), Error);
    }
}
