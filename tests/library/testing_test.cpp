#include "library_fixture.hpp"

#include <doctest/doctest.h>

using namespace jobrunner;
using namespace jobrunner::tests;
using namespace std::chrono_literals;

TEST_CASE("testing: perform calls a handler without a database and keeps what it says")
{
    EmbeddedWorker worker({});
    worker.on("import", [](JobContext& job) {
        job.log("began at " + job.checkpoint().value_or("the start"));
        job.progress(50.0);
        job.save_checkpoint(R"({"row": 2})");
        return Outcome::done(job.args());
    });
    worker.on("fails", [](JobContext&) { throw JobFailure("the line is busy", 30s); });
    worker.on("completes", [](JobContext& job) { job.complete_in(static_cast<sqlite3*>(nullptr)); });

    const auto imported = testing::perform(worker, "import", R"({"file": "x"})", R"({"row": 1})");
    CHECK(imported.outcome == "completed");
    CHECK(imported.result == R"({"file": "x"})");
    CHECK(imported.log == std::vector<std::string>{R"(began at {"row": 1})"});
    CHECK(imported.percent == 50.0);
    CHECK(imported.checkpoint == R"({"row": 2})");

    const auto failed = testing::perform(worker, "fails");
    CHECK(failed.outcome == "failed");
    CHECK(failed.error == "the line is busy");
    CHECK(failed.delay == 30s);
    CHECK(testing::perform(worker, "completes").error.find("without a database") != std::string::npos);
    CHECK_THROWS_AS(static_cast<void>(testing::perform(worker, "none")), ClientError);
    CHECK_THROWS_AS(static_cast<void>(testing::perform(worker, "import", "[]")), ClientError);
}

TEST_CASE_FIXTURE(
    LibraryFixture, "testing: require_enqueued finds a job by some of its args, or lists what there is")
{
    Client client(url);
    const auto ann = client.enqueue(spec_of("mail.send", R"({"to": "ann", "n": 1})"));
    static_cast<void>(client.enqueue(spec_of("mail.send", R"({"to": "bob", "n": 1})")));

    CHECK(testing::require_enqueued(client, "mail.send", R"({"to": "ann"})") == ann);
    CHECK_THROWS_WITH_AS(testing::require_enqueued(client, "mail.send", R"({"to": "eve"})"),
        doctest::Contains("bob"), ClientError);
    CHECK_THROWS_AS(testing::require_none_enqueued(client, "mail.send"), ClientError);
    CHECK_NOTHROW(testing::require_none_enqueued(client, "report"));
}
