#include "client/job_log.hpp"
#include "client/wait_for_jobs.hpp"
#include "core/error.hpp"
#include "fake_storage.hpp"

#include <algorithm>
#include <doctest/doctest.h>

using namespace jobrunner;
using jobrunner::tests::FakeStorage;
using namespace std::chrono_literals;

namespace {

struct WaitFixture {
    FakeStorage storage;
    std::chrono::steady_clock::time_point time{};
    std::vector<Milliseconds> sleeps;
    std::function<void()> meanwhile = [] {};
    WaitClock clock{[this] { return time; },
        [this](Milliseconds length) {
            sleeps.push_back(length);
            time += length;
            meanwhile();
        }};
    std::vector<JobId> finished;
    JobFinished note = [this](JobId id, const auto&) { finished.push_back(id); };
};

std::string bodies(const std::vector<OutputRow>& parts)
{
    std::string text;
    for (const auto& part : parts) {
        text += part.body;
    }
    return text;
}

} // namespace

TEST_CASE_FIXTURE(WaitFixture, "wait: each job is reported when it has finished")
{
    storage.add(1, JobState::running);
    storage.add(2, JobState::dead);
    meanwhile = [&] { storage.jobs[1].state = sleeps.size() == 3 ? JobState::completed : JobState::running; };
    const std::vector<JobId> ids{1, 2};

    CHECK(wait_for_jobs(storage, ids, std::nullopt, clock, note));
    CHECK(finished == std::vector<JobId>{2, 1});
    CHECK(sleeps.size() == 3);
}

TEST_CASE_FIXTURE(WaitFixture, "wait: it ends when its time is over, and sleeps no longer than that")
{
    storage.add(1, JobState::running);
    const std::vector<JobId> ids{1};

    CHECK_FALSE(wait_for_jobs(storage, ids, 5s, clock, note));
    CHECK(time.time_since_epoch() == 5s);
    CHECK(*std::ranges::max_element(sleeps) <= 1s);
}

TEST_CASE_FIXTURE(WaitFixture, "wait: a job that never was is not found, one that is gone has finished")
{
    storage.add(1, JobState::running);
    const std::vector<JobId> ids{1};
    const std::vector<JobId> unknown{9};
    meanwhile = [&] { storage.jobs.clear(); };

    CHECK_THROWS_WITH_AS(
        (void)wait_for_jobs(storage, unknown, std::nullopt, clock, note), "job 9 is not found", Error);
    CHECK(wait_for_jobs(storage, ids, std::nullopt, clock, note));
    CHECK(finished == std::vector<JobId>{1});
}

TEST_CASE("unseen part: kept output goes on where printed output ended")
{
    CHECK(unseen_part("", "abc") == "abc");
    CHECK(unseen_part("ab", "abc") == "c");
    CHECK(unseen_part("abc", "abc") == "");
    CHECK(unseen_part("xxabab", "ababcd") == "cd");
    CHECK(unseen_part("xyz", "abc") == "abc");
    CHECK(unseen_part("aab", "aabaab") == "aab");
    CHECK(unseen_part("a long text that has been printed", "printed") == "");
}

TEST_CASE("log: live output is read once, and the end from what is kept")
{
    FakeStorage storage;
    JobRow& job = storage.add(1, JobState::running);
    job.fence = 1;
    storage.chunks[1] = {{1, 0, "", "out", "one\n"}, {1, 1, "", "error", "two\n"}};
    JobLog log(storage, 1);

    CHECK(bodies(log.read()) == "one\ntwo\n");
    CHECK(bodies(log.read()).empty());
    CHECK_FALSE(log.at_end());

    job.state = JobState::completed;
    job.output = "one\ntwo\nthree\n";
    storage.chunks.clear();

    CHECK(bodies(log.read()) == "three\n");
    CHECK(log.at_end());
    CHECK(bodies(log.read()).empty());
}

TEST_CASE("log: the runs of a job come in order, each once")
{
    FakeStorage storage;
    JobRow& job = storage.add(1, JobState::dead);
    job.fence = 2;
    job.output = "second\n";
    storage.attempt_rows[1].resize(2);
    storage.attempt_rows[1][0].fence = 1;
    storage.attempt_rows[1][0].output = "first\n";
    storage.attempt_rows[1][1].fence = 2;
    storage.attempt_rows[1][1].output = "second\n";
    JobLog log(storage, 1);

    CHECK(bodies(log.read()) == "first\nsecond\n");
    CHECK(log.at_end());
}

TEST_CASE("log: a job that does not exist is not found")
{
    FakeStorage storage;
    JobLog log(storage, 1);

    CHECK_THROWS_WITH_AS((void)log.read(), "job 1 is not found", Error);
}
