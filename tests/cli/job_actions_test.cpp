#include "client/job_actions.hpp"
#include "client/job_pages.hpp"
#include "fake_storage.hpp"

#include <doctest/doctest.h>

using namespace jobrunner;
using jobrunner::tests::FakeStorage;

namespace {

const auto ignore = [](const ActedJob&) {};

} // namespace

TEST_CASE("pages: all jobs once, newest first, no more than asked for")
{
    FakeStorage storage;
    for (JobId id = 1; id <= 1100; ++id) {
        storage.add(id, JobState::available);
    }
    std::vector<JobId> ids;

    for_each_page(storage, {}, 1050, [&](std::span<const JobRow> page) {
        CHECK(page.size() <= job_page_max);
        for (const auto& job : page) {
            ids.push_back(job.id);
        }
    });

    REQUIRE(ids.size() == 1050);
    CHECK(ids.front() == 1100);
    CHECK(ids.back() == 51);
    CHECK(storage.list_limits == std::vector<int>{500, 500, 50});
}

TEST_CASE("actions: a filter without states means those in which the action can do something")
{
    FakeStorage storage;
    storage.add(1, JobState::completed);
    storage.add(2, JobState::dead);
    storage.add(3, JobState::retryable);
    storage.add(4, JobState::available, "other");

    const auto tally = act_on(storage, {.action = JobAction::retry}, {{}, {.kind = "mail.send"}}, ignore);

    CHECK(tally.done == 2);
    CHECK(storage.acted_ids == std::vector<std::vector<JobId>>{{3, 2}});
}

TEST_CASE("actions: many jobs are acted on page by page")
{
    FakeStorage storage;
    for (JobId id = 1; id <= 1001; ++id) {
        storage.add(id, JobState::available);
    }

    CHECK(act_on(storage, {.action = JobAction::cancel}, {}, ignore).done == 1001);
    REQUIRE(storage.acted_ids.size() == 3);
    CHECK(storage.acted_ids[2] == std::vector<JobId>{1});
}

TEST_CASE("actions: each id has its own outcome")
{
    FakeStorage storage;
    storage.add(1, JobState::completed);
    storage.add(2, JobState::running);
    std::vector<ActionResult> results;

    const auto tally = act_on(storage, {.action = JobAction::cancel}, {{1, 2, 3}, {}},
        [&](const ActedJob& acted) { results.push_back(acted.outcome.result); });

    CHECK(
        results == std::vector{ActionResult::not_possible, ActionResult::requested, ActionResult::not_found});
    CHECK(tally.done == 1);
    CHECK(tally.not_possible == 1);
    CHECK(tally.not_found == 1);
}

TEST_CASE("dry run: foretells every outcome and changes nothing")
{
    FakeStorage storage;
    storage.add(1, JobState::completed);
    storage.add(2, JobState::running);
    std::vector<ActionResult> results;

    const auto tally = try_on(storage, {.action = JobAction::cancel}, {{1, 2, 3}, {}},
        [&](const ActedJob& acted) { results.push_back(acted.outcome.result); });

    CHECK(
        results == std::vector{ActionResult::not_possible, ActionResult::requested, ActionResult::not_found});
    CHECK(tally.done == 1);
    CHECK(storage.acted_ids.empty());
}
