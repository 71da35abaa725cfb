#include "cli_fixture.hpp"

#include <doctest/doctest.h>

using namespace jobrunner;
using jobrunner::tests::CliFixture;

namespace {

BatchRow some_batch(BatchId id)
{
    BatchRow batch;
    batch.id = id;
    batch.name = "May";
    batch.state = "sealed";
    batch.unfinished = 5;
    batch.completed = 3;
    batch.dead = 2;
    batch.created_at = "2026-01-31T09:00:00.000Z";
    return batch;
}

} // namespace

TEST_CASE_FIXTURE(CliFixture, "explain: says what a job waits for, to people and to programs")
{
    storage->add(7, JobState::blocked);
    storage->facts = WaitFacts{};
    storage->facts->due = true;
    storage->parent_rows[7] = {{.id = 3, .state = "running", .met = false, .result = {}}};

    CHECK(run({"explain", "7"}) == 0);
    CHECK(out.starts_with("job 7 is blocked\n- it depends on job 3 (running)\n"));
    CHECK(run({"explain", "7", "--json"}) == 0);
    CHECK(out.find(R"("code":"dependency")") != std::string::npos);
    CHECK(run({"explain", "8"}) == 3);
    CHECK(err == "jobrunner: job 8 is not found\n");
    CHECK(run({"explain", "x"}) == 2);
}

TEST_CASE_FIXTURE(CliFixture, "batches: made with callbacks, sealed, listed and shown")
{
    CHECK(run({"batches", "create", "--name", "May", "--on-complete", R"({"kind": "month.closed"})"}) == 0);
    REQUIRE(storage->new_batches.size() == 1);
    CHECK(storage->new_batches[0].name == "May");
    CHECK(storage->new_batches[0].on_complete == R"({"kind": "month.closed"})");
    CHECK_FALSE(storage->new_batches[0].sealed);
    CHECK(run({"batches", "seal", "1"}) == 0);
    CHECK(storage->sealed == std::vector<BatchId>{1});
    CHECK(run({"batches", "seal", "2"}) == 3);

    storage->batch_rows = {some_batch(1)};
    CHECK(run({"batches"}) == 0);
    CHECK(out.find("May") != std::string::npos);
    CHECK(out.find("5/10") != std::string::npos);
    CHECK(run({"batches", "show", "1", "--json"}) == 0);
    CHECK(out.find(R"("unfinished":5)") != std::string::npos);
    storage->batch_rows.clear();
    CHECK(run({"batches", "show", "9"}) == 3);
}

TEST_CASE_FIXTURE(CliFixture, "doctor: findings with their remedies; only an error makes it fail")
{
    CHECK(run({"doctor"}) == 0);
    CHECK(out == "nothing is wrong\n");

    storage->finding_rows = {{.severity = "warning",
        .code = "no_worker",
        .text = "no worker takes jobs",
        .remedy = "jobrunner work"}};
    CHECK(run({"doctor"}) == 0);
    CHECK(out == "warning no_worker: no worker takes jobs\n    jobrunner work\n");
    storage->finding_rows[0].severity = "error";
    CHECK(run({"doctor", "--json"}) == 1);
    CHECK(out.find(R"("severity":"error")") != std::string::npos);
}

TEST_CASE_FIXTURE(CliFixture, "verify: names each broken promise, and fails where there is one")
{
    CHECK(run({"verify"}) == 0);
    CHECK(out == "every promise is kept\n");

    storage->violation_rows = {{.promise = "one_place", .job = 7, .text = "it is in two places"}};
    CHECK(run({"verify"}) == 1);
    CHECK(out == "one_place: job 7: it is in two places\n");
    CHECK(run({"verify", "--json"}) == 1);
    CHECK(out.find(R"("promise":"one_place")") != std::string::npos);
}
