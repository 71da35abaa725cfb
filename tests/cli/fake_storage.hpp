#pragma once

#include "storage/storage.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace jobrunner::tests {

// A database of a few vectors: what the client and the CLI ask for, and what they were given.
class FakeStorage : public Storage {
public:
    std::map<JobId, JobRow> jobs;
    std::map<JobId, std::vector<AttemptRow>> attempt_rows;
    std::map<JobId, ProgressRow> progress_rows;
    std::map<JobId, std::vector<OutputRow>> chunks;
    std::vector<QueueRow> queue_rows;
    std::vector<WorkerRow> worker_rows;
    std::vector<KindStatsRow> stats_rows;
    std::vector<MinuteStatsRow> minute_rows;
    std::vector<DeadGroup> dead_rows;
    std::vector<ScheduleRow> schedule_rows;
    std::vector<ScheduleRunRow> run_rows;
    std::map<JobId, std::vector<ParentRow>> parent_rows;
    std::optional<WaitFacts> facts;
    std::vector<NewBatch> new_batches;
    std::vector<BatchId> sealed;
    std::vector<BatchRow> batch_rows;
    std::vector<Finding> finding_rows;
    std::vector<Violation> violation_rows;
    int prunable = 0;

    std::vector<std::vector<NewJob>> enqueued; // by call
    OnConflict last_on_conflict = OnConflict::refuse;
    std::optional<std::size_t> failing_call;   // enqueue throws at this call, from 0
    std::vector<JobCommand> commands;          // by call of act
    std::vector<std::vector<JobId>> acted_ids; // by call of act
    std::vector<int> list_limits;
    std::optional<Milliseconds> stats_over;
    std::optional<Milliseconds> minutes_over;
    std::chrono::minutes minutes_step{0};
    std::vector<LimitRow> limit_rows;
    std::vector<std::string> limit_calls;
    std::vector<std::string> queue_calls;
    std::vector<std::string> schedule_calls;
    std::vector<JobState> pruned_states;

    JobRow& add(JobId id, JobState state, const std::string& kind = "mail.send");

    std::vector<Enqueued> enqueue(std::span<const NewJob> new_jobs, OnConflict on_conflict) override;
    std::optional<JobRow> find(JobId id) override;
    std::vector<JobRow> list(const JobFilter& filter) override;
    std::vector<AttemptRow> attempts(JobId id) override { return attempt_rows[id]; }
    std::optional<ProgressRow> progress(JobId id) override
    {
        const auto found = progress_rows.find(id);
        return found == progress_rows.end() ? std::nullopt : std::optional(found->second);
    }
    std::vector<OutputRow> output(JobId id, int after_fence, int after_sequence) override;
    std::vector<QueueRow> queues() override { return queue_rows; }
    std::vector<WorkerRow> workers() override { return worker_rows; }
    std::vector<KindStatsRow> kind_stats(std::optional<Milliseconds> over_last) override;
    std::vector<MinuteStatsRow> minute_stats(Milliseconds over_last, std::chrono::minutes step) override
    {
        minutes_over = over_last;
        minutes_step = step;
        return minute_rows;
    }
    std::vector<DeadGroup> dead_groups(int limit) override;
    std::vector<Finding> findings() override { return finding_rows; }
    std::vector<Violation> violations() override { return violation_rows; }
    std::vector<ParentRow> parents(JobId id) override { return parent_rows[id]; }
    std::optional<WaitFacts> wait_facts(JobId) override { return facts; }
    BatchId create_batch(const NewBatch& batch) override
    {
        new_batches.push_back(batch);
        return static_cast<BatchId>(new_batches.size());
    }
    bool seal_batch(BatchId batch) override
    {
        sealed.push_back(batch);
        return batch <= static_cast<BatchId>(new_batches.size());
    }
    std::vector<BatchRow> batches(std::optional<BatchId>, int) override { return batch_rows; }
    std::vector<ActionOutcome> act(const JobCommand& command, std::span<const JobId> ids) override;
    void pause_queue(const std::string& queue, const std::string& actor) override;
    void resume_queue(const std::string& queue, const std::string& actor) override;
    void set_queue(const std::string& queue, std::optional<int> slots, std::optional<int> weight,
        const std::string& actor) override;
    int prune(std::span<const JobState> states, Milliseconds older_than, int limit) override;
    void put_schedules(std::span<const NewSchedule> schedules, const std::string& source, bool all) override;
    std::vector<LimitRow> limits() override { return limit_rows; }
    void set_limit(const Limit& limit, const std::string& actor) override
    {
        limit_rows.push_back({.limit = limit});
        limit_calls.push_back(
            "set " + std::string(to_string(limit.scope)) + " " + limit.name + " by " + actor);
    }
    bool remove_limit(LimitScope scope, const std::string& name, const std::string& actor) override
    {
        limit_calls.push_back("remove " + std::string(to_string(scope)) + " " + name + " by " + actor);
        return std::erase_if(limit_rows, [&](const LimitRow& row) {
            return row.limit.scope == scope && row.limit.name == name;
        }) > 0;
    }
    std::vector<ScheduleRow> schedules() override { return schedule_rows; }
    std::vector<ScheduleRunRow> schedule_runs(const std::string&, int) override { return run_rows; }
    bool pause_schedule(const std::string& name, const std::string& actor) override;
    bool resume_schedule(const std::string& name, const std::string& actor) override;
    bool remove_schedule(const std::string& name, const std::string& actor) override;
    JobId run_schedule(const std::string& name, const std::string& actor) override;

    // What workers do; nobody here does.
    void register_worker(const WorkerRecord&) override {}
    void publish_kinds(std::span<const KindPolicy>, const std::string&) override {}
    bool heartbeat(const Heartbeat&) override { return false; }
    void retire_worker(WorkerId) override {}
    Probe probe(const ProbeRequest&) override { return {}; }
    std::vector<ClaimedJob> claim(const ClaimRequest&) override { return {}; }
    LimitedClaim claim_limited(const LimitedRequest&) override { return {}; }
    std::vector<ClaimedJob> claimed_in(WorkerId, std::int64_t) override { return {}; }
    std::vector<Settled> settle(std::span<const Settlement>, WorkerId, std::span<const std::int64_t>) override
    {
        return {};
    }
    std::vector<Settled> settled_already(std::span<const ClaimToken>) override { return {}; }
    std::vector<CancelRequest> cancel_requests(WorkerId) override { return {}; }
    void write_output(std::span<const LiveOutput>) override {}
    void write_progress(std::span<const Progress>) override {}
    int promote(int) override { return 0; }
    int pass_gates(int) override { return 0; }
    int expire(int) override { return 0; }
    std::vector<AbandonedJob> abandoned(int) override { return {}; }
    void tidy(std::span<const Milliseconds>) override {}
    ScheduleOutlook schedule_outlook() override { return {}; }
    std::vector<DueSchedule> due_schedules(int) override { return {}; }
    bool fire_schedule(const ScheduleFiring&) override { return false; }
    void fail_schedule(const DueSchedule&, const std::string&) override {}
    void release_runs() override {}

private:
    bool steer(const std::string& verb, const std::string& name, const std::string& actor);

    JobId next_id_ = 1;
};

} // namespace jobrunner::tests
