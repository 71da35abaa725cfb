#include "worker/worker_report.hpp"

#include <doctest/doctest.h>

using namespace jobrunner;

TEST_CASE("worker report: nothing is wrong")
{
    CHECK(worker_report({}) == "{}");
}

TEST_CASE("worker report: names the services that do not start, their kinds, and how the last try ended")
{
    const std::vector<HeldBack> services{{.service = "mailer",
                                             .kinds = {"mail.send", "mail.digest"},
                                             .failures = 3,
                                             .error = "it exited with 7"},
        {.service = "odd", .kinds = {"odd"}, .failures = 1, .error = std::string(600, 'x') + "\xff"}};

    const std::string report = worker_report(services);

    CHECK(
        report.find(
            R"({"error":"it exited with 7","failures":3,"kinds":["mail.digest","mail.send"],"service":"mailer"})") !=
        std::string::npos);
    CHECK(report.find(std::string(500, 'x') + "\"") != std::string::npos);
    CHECK(report.find(std::string(501, 'x')) == std::string::npos);
}
