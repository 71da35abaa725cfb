#include "storage/storage_fixture.hpp"

#include "support/skip.hpp"

namespace jobrunner::tests {

KindPolicy policy_of(const std::string& kind)
{
    KindPolicy policy;
    policy.kind = kind;
    policy.max_attempts = 3;
    policy.retry = {.base = 1s, .factor = 2.0, .cap = 1h, .jitter = 0.0};
    return policy;
}

RunReport succeeded(std::optional<std::string> result)
{
    RunReport report;
    report.result = std::move(result);
    return report;
}

RunReport ended(RunEnd end, const std::string& error)
{
    RunReport report;
    report.end = end;
    report.error = error;
    return report;
}

std::string describe(const JobRow& job)
{
    return std::to_string(job.id) + " " + std::string(to_string(job.state)) +
        " attempt=" + std::to_string(job.attempt) + " fence=" + std::to_string(job.fence);
}

StorageFixture::StorageFixture(std::unique_ptr<Backend> made) : backend(std::move(made)), storage(open())
{
    std::vector<KindPolicy> policies;
    for (const auto& kind : known_kinds) {
        policies.push_back(policy_of(kind));
    }
    storage->publish_kinds(policies, "tests");
    register_worker(alice);
    register_worker(bob);
}

JobId StorageFixture::enqueue(const NewJob& job)
{
    return enqueue_several(1, job).front();
}

std::vector<JobId> StorageFixture::enqueue_several(int count, const NewJob& job)
{
    const std::vector<NewJob> jobs(static_cast<std::size_t>(count), job);
    std::vector<JobId> ids;
    for (const auto& one : storage->enqueue(jobs, OnConflict::refuse)) {
        ids.push_back(one.id);
    }
    REQUIRE(ids.size() == jobs.size());
    return ids;
}

std::vector<Enqueued> StorageFixture::enqueue_on_conflict(const NewJob& job, OnConflict on_conflict)
{
    return storage->enqueue({&job, 1}, on_conflict);
}

void StorageFixture::register_worker(WorkerId id, Milliseconds lease)
{
    WorkerRecord record;
    record.id = id;
    record.lease = lease;
    record.pid = 4242;
    record.slots = 10;
    record.name = "worker-" + std::to_string(id);
    record.host = "host";
    record.version = "0.1.0";
    record.kinds = known_kinds;
    storage->register_worker(record);
}

ClaimRequest StorageFixture::request(WorkerId worker, int limit, const Lane& lane)
{
    ClaimRequest request;
    request.worker = worker;
    request.batch = ++batch_;
    request.lanes = {{lane, 0, limit}};
    request.limit = limit;
    request.kinds = known_kinds;
    return request;
}

std::vector<ClaimedJob> StorageFixture::claim(WorkerId worker, int limit, const Lane& lane)
{
    return storage->claim(request(worker, limit, lane));
}

ClaimedJob StorageFixture::claim_one(WorkerId worker)
{
    auto jobs = claim(worker);
    REQUIRE(jobs.size() == 1);
    return jobs.front();
}

Settlement StorageFixture::decision(const ClaimedJob& job, const RunReport& report) const
{
    return decide(job, policy_of(job.kind), report, 0.5);
}

Settled StorageFixture::settle(const ClaimedJob& job, const RunReport& report)
{
    return settle(decision(job, report));
}

Settled StorageFixture::settle(const Settlement& settlement)
{
    const auto results = storage->settle({&settlement, 1}, settlement.token.worker, {});
    REQUIRE(results.size() == 1);
    return results.front();
}

void StorageFixture::bury(JobId id, const std::string& error)
{
    for (const auto& job : claim(alice, 1000)) {
        const bool wanted = job.token.job == id;
        REQUIRE(
            settle(job, ended(wanted ? RunEnd::failed_for_good : RunEnd::released, wanted ? error : "")) ==
            Settled::applied);
    }
    REQUIRE(state(id) == JobState::dead);
}

std::vector<JobId> StorageFixture::rescue()
{
    std::vector<JobId> ids;
    for (auto found = storage->abandoned(1000); !found.empty(); found = storage->abandoned(1000)) {
        for (const auto& job : found) {
            const Settlement settlement = decide_abandoned(job);
            REQUIRE(storage->settle({&settlement, 1}, bob, {}) == std::vector{Settled::applied});
            ids.push_back(job.token.job);
        }
    }
    return ids;
}

JobRow StorageFixture::job(JobId id)
{
    auto found = storage->find(id);
    REQUIRE(found.has_value());
    return *found;
}

std::vector<std::string> StorageFixture::outcomes(JobId id)
{
    std::vector<std::string> words;
    for (const auto& attempt : storage->attempts(id)) {
        words.push_back(attempt.outcome);
    }
    return words;
}

ActionOutcome StorageFixture::act(JobAction action, JobId id)
{
    JobCommand command;
    command.action = action;
    command.actor = "tester";
    const auto outcomes = storage->act(command, {&id, 1});
    REQUIRE(outcomes.size() == 1);
    return outcomes.front();
}

Error StorageFixture::error_of(const std::function<void()>& step)
{
    try {
        step();
    } catch (const Error& error) {
        return error;
    }
    FAIL_CHECK("an Error was expected");
    return {ErrorKind::internal, "none"};
}

void run_on(const char* backend_name, void (*body)(StorageFixture&))
{
    std::string reason;
    auto backend = make_backend(backend_name, reason);
    if (!backend) {
        note_skipped(reason);
        return;
    }
    StorageFixture fixture(std::move(backend));
    body(fixture);
}

} // namespace jobrunner::tests
