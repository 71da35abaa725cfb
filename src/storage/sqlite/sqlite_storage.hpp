#pragma once

#include "storage/open_storage.hpp"
#include "storage/sqlite/connection.hpp"

#include <memory>
#include <string>

namespace jobrunner {

// Opens the SQLite file at `path` as a Storage.
// Throws Error{outdated} for a file that is not there or whose schema this binary does not fit, Error{unreachable} for
// one that cannot be opened.
[[nodiscard]] std::unique_ptr<Storage> open_sqlite_storage(
    const std::string& path, const DatabaseOptions& options);

namespace sqlite {

// Storage on one SQLite file; see Storage for what each method promises. The clock is this host's, as SQLite reads it.
// Lanes have no positions here: claims begin at a lane's start, whatever floor they name, since taken jobs leave
// nothing behind that would have to be walked over.
class SqliteStorage final : public Storage {
public:
    SqliteStorage(const std::string& path, const DatabaseOptions& options);

    std::vector<Enqueued> enqueue(std::span<const NewJob> jobs, OnConflict on_conflict) override;

    void register_worker(const WorkerRecord& worker) override;
    void publish_kinds(std::span<const KindPolicy> kinds, const std::string& publisher) override;
    bool heartbeat(const Heartbeat& heartbeat) override;
    void retire_worker(WorkerId worker) override;

    Probe probe(const ProbeRequest& request) override;
    std::vector<ClaimedJob> claim(const ClaimRequest& request) override;
    LimitedClaim claim_limited(const LimitedRequest& request) override;
    std::vector<ClaimedJob> claimed_in(WorkerId worker, std::int64_t batch) override;
    std::vector<Settled> settle(std::span<const Settlement> settlements, WorkerId worker,
        std::span<const std::int64_t> done_batches) override;
    std::vector<Settled> settled_already(std::span<const ClaimToken> tokens) override;
    std::vector<CancelRequest> cancel_requests(WorkerId worker) override;
    void write_output(std::span<const LiveOutput> output) override;
    void write_progress(std::span<const Progress> progress) override;

    int promote(int limit) override;
    int pass_gates(int limit) override;
    int expire(int limit) override;
    std::vector<AbandonedJob> abandoned(int limit) override;
    void tidy(std::span<const Milliseconds> keeps) override;

    void put_schedules(std::span<const NewSchedule> schedules, const std::string& source, bool all) override;
    ScheduleOutlook schedule_outlook() override;
    ScheduleOutlook read_outlook(); // within a read
    std::vector<DueSchedule> due_schedules(int limit) override;
    bool fire_schedule(const ScheduleFiring& firing) override;
    void fail_schedule(const DueSchedule& schedule, const std::string& problem) override;
    void release_runs() override;
    std::vector<LimitRow> limits() override;
    void set_limit(const Limit& limit, const std::string& actor) override;
    bool remove_limit(LimitScope scope, const std::string& name, const std::string& actor) override;
    std::vector<ScheduleRow> schedules() override;
    std::vector<ScheduleRunRow> schedule_runs(const std::string& name, int limit) override;
    bool pause_schedule(const std::string& name, const std::string& actor) override;
    bool resume_schedule(const std::string& name, const std::string& actor) override;
    bool remove_schedule(const std::string& name, const std::string& actor) override;
    JobId run_schedule(const std::string& name, const std::string& actor) override;

    std::optional<JobRow> find(JobId id) override;
    std::vector<JobRow> list(const JobFilter& filter) override;
    std::vector<AttemptRow> attempts(JobId id) override;
    std::optional<ProgressRow> progress(JobId id) override;
    std::vector<OutputRow> output(JobId id, int after_fence, int after_sequence) override;
    std::vector<QueueRow> queues() override;
    std::vector<WorkerRow> workers() override;
    std::vector<KindStatsRow> kind_stats(std::optional<Milliseconds> over_last) override;
    std::vector<MinuteStatsRow> minute_stats(Milliseconds over_last, std::chrono::minutes step) override;
    std::vector<Finding> findings() override;
    std::vector<Violation> violations() override;
    std::vector<ParentRow> parents(JobId id) override;
    std::optional<WaitFacts> wait_facts(JobId id) override;
    BatchId create_batch(const NewBatch& batch) override;
    bool seal_batch(BatchId batch) override;
    std::vector<BatchRow> batches(std::optional<BatchId> one, int limit) override;
    std::vector<DeadGroup> dead_groups(int limit) override;
    std::vector<ActionOutcome> act(const JobCommand& command, std::span<const JobId> ids) override;
    void pause_queue(const std::string& queue, const std::string& actor) override;
    void resume_queue(const std::string& queue, const std::string& actor) override;
    void set_queue(const std::string& queue, std::optional<int> slots, std::optional<int> weight,
        const std::string& actor) override;
    int prune(std::span<const JobState> states, Milliseconds older_than, int limit) override;

private:
    void check_schema();
    bool steer_schedule(std::string_view query, const std::string& name, const std::string& actor);
    [[nodiscard]] std::optional<JobId> enqueue_run(const std::string& name, double due, Milliseconds delay);
    std::optional<std::string> start_run(
        const std::string& name, std::chrono::sys_seconds due, Milliseconds delay);
    std::optional<std::string> note_run(
        const std::string& name, const std::string& overlap, const ScheduleRun& run);
    Enqueued enqueue_one(const NewJob& job, OnConflict on_conflict);
    // Moves limited jobs of the lanes aside; says how many, and what an ordinary claim may take.
    [[nodiscard]] LimitedClaim hold_limited(const LimitedRequest& request);
    [[nodiscard]] std::vector<ClaimedJob> claim_admitted(
        const LimitedRequest& request, const std::vector<std::int64_t>& ids);
    void note_claim(WorkerId worker, std::int64_t batch, const std::vector<ClaimedJob>& jobs);
    void claim_lane(const ClaimRequest& request, const LaneClaim& lane, std::vector<ClaimedJob>& jobs);
    ActionOutcome act_on(const JobCommand& command, JobId id);

    Connection connection_;
};

} // namespace sqlite
} // namespace jobrunner
