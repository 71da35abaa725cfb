// What the conformance suite stands on: a Storage on a fresh database, and short words for common steps.
#pragma once

#include "storage/backend.hpp"

#include "core/error.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace jobrunner::tests {

using namespace std::chrono_literals;

// Workers with a lease of 30 seconds, known to every fixture's database.
inline constexpr WorkerId alice = 4'611'686'018'427'387'905;
inline constexpr WorkerId bob = 77;

// Kinds with a published policy: 3 attempts, a second's wait after a failure and no jitter.
inline const std::vector<std::string> known_kinds{"email", "report"};

[[nodiscard]] KindPolicy policy_of(const std::string& kind);

// How an attempt may have ended.
[[nodiscard]] RunReport succeeded(std::optional<std::string> result = std::nullopt);
[[nodiscard]] RunReport ended(RunEnd end, const std::string& error = {});

[[nodiscard]] std::string describe(const JobRow& job);

class StorageFixture {
public:
    explicit StorageFixture(std::unique_ptr<Backend> made);

    std::unique_ptr<Backend> backend;
    std::unique_ptr<Storage> storage;

    // One more connection to the same database.
    [[nodiscard]] std::unique_ptr<Storage> open() const { return open_storage(backend->options()); }

    JobId enqueue(const NewJob& job = {.kind = "email"});
    std::vector<JobId> enqueue_several(int count, const NewJob& job = {.kind = "email"});
    [[nodiscard]] std::vector<Enqueued> enqueue_on_conflict(const NewJob& job, OnConflict on_conflict);
    void register_worker(WorkerId id, Milliseconds lease = 30s);

    // A claim request for one lane without a floor.
    [[nodiscard]] ClaimRequest request(WorkerId worker, int limit, const Lane& lane = {"default", 0});
    [[nodiscard]] std::vector<ClaimedJob> claim(
        WorkerId worker, int limit = 1, const Lane& lane = {"default", 0});
    // Exactly one, or the test ends here.
    [[nodiscard]] ClaimedJob claim_one(WorkerId worker);

    // Settles one claim as core decides, in its worker's name.
    [[nodiscard]] Settled settle(const ClaimedJob& job, const RunReport& report);
    [[nodiscard]] Settled settle(const Settlement& settlement);
    [[nodiscard]] Settlement decision(const ClaimedJob& job, const RunReport& report) const;
    // Claims the job with that id among others of its lane and settles it until it is dead.
    void bury(JobId id, const std::string& error = "boom");
    // Takes back everything that lost workers hold; returns the ids.
    std::vector<JobId> rescue();

    [[nodiscard]] JobRow job(JobId id);
    [[nodiscard]] JobState state(JobId id) { return job(id).state; }
    [[nodiscard]] std::vector<std::string> outcomes(JobId id);
    [[nodiscard]] ActionOutcome act(JobAction action, JobId id);

    // The kind of Error that a step throws and its message, or a failed check.
    static Error error_of(const std::function<void()>& step);

private:
    std::int64_t batch_ = 0;
};

void run_on(const char* backend_name, void (*body)(StorageFixture&));

} // namespace jobrunner::tests

// A test of what every backend promises. Its body sees `db`, a StorageFixture.
#define STORAGE_TEST(text) STORAGE_TEST_NAMED(DOCTEST_ANONYMOUS(storage_test_), text)
#define STORAGE_TEST_NAMED(body, text)                                                                       \
    static void body(jobrunner::tests::StorageFixture& db);                                                  \
    TEST_CASE(text " [postgres]")                                                                            \
    {                                                                                                        \
        jobrunner::tests::run_on("postgres", body);                                                          \
    }                                                                                                        \
    TEST_CASE(text " [sqlite]")                                                                              \
    {                                                                                                        \
        jobrunner::tests::run_on("sqlite", body);                                                            \
    }                                                                                                        \
    static void body([[maybe_unused]] jobrunner::tests::StorageFixture& db)
