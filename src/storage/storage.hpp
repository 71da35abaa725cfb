#pragma once

#include "core/job.hpp"
#include "core/kind_policy.hpp"
#include "core/lane_book.hpp"
#include "core/settlement.hpp"
#include "storage/batches.hpp"
#include "storage/claim_request.hpp"
#include "storage/health.hpp"
#include "storage/limits.hpp"
#include "storage/schedules.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace jobrunner {

// What happens to a job whose unique_key is held by an unfinished one.
enum class OnConflict { refuse, skip, replace, merge };

struct Enqueued {
    JobId id = 0;
    bool existing = false; // the id is that of the holder of the unique_key
};

struct WorkerRecord {
    WorkerId id = 0;
    Milliseconds lease{30'000};
    int pid = 0;
    int slots = 0;
    std::string name;
    std::string host;
    std::string version;
    std::vector<std::string> labels;
    std::vector<std::string> queues;
    std::vector<std::string> kinds;
};

enum class WorkerState { running, quiet, stopping };

struct Heartbeat {
    WorkerId worker = 0;
    WorkerState state = WorkerState::running;
    int running = 0; // jobs
    // What is wrong with the worker, as JSON; unset: as it was said last.
    std::optional<std::string> report{};
};

struct ProbeRequest {
    std::vector<LaneRange> ranges{};
    // Only jobs that the worker can run. Unset, any runnable job counts, and the lane's end is reported with it.
    bool fitting_only = false;
    std::vector<std::string> kinds{};
    std::vector<std::string> labels{};
    // Renews the worker's lease with the same query, so that a worker that only looks around costs no other.
    std::optional<Heartbeat> beat{};
};

// Unset: as workers' configurations have it.
struct QueueSetting {
    std::string queue;
    std::optional<int> slots;
    std::optional<int> weight;
};

struct Probe {
    std::vector<LaneFound> lanes;
    std::optional<Milliseconds> next_due; // from now until the next scheduled job's time; 0 when it has come
    bool lost_workers = false; // some worker's lease has passed, or its jobs are not all taken back
    bool expired_jobs = false;
    std::vector<std::string> paused;    // queues
    std::vector<QueueSetting> settings; // what operators said of queues
    bool beaten = false;                // the request's heartbeat has renewed its lease
    ScheduleOutlook schedules;
    bool gates = false;  // something has changed for jobs that wait for others
    bool limits = false; // there are limits: some of the jobs in the lanes may be under one
    bool held = false;   // jobs wait in the lines of limits
};

struct CancelRequest {
    ClaimToken token;
};

struct LiveOutput {
    ClaimToken token;
    int sequence = 0;
    std::string stream; // out, error or log
    std::string body;   // at most 64 KiB of UTF-8
};

struct Progress {
    ClaimToken token;
    std::optional<double> percent;
    std::optional<std::string> note;
    std::optional<std::string> checkpoint; // JSON
};

// A job as people see it: one row of all_jobs.
struct JobRow {
    JobId id = 0;
    JobState state = JobState::available;
    std::string kind;
    std::string queue;
    int priority = 0;
    std::string args;
    Instant run_at;
    Instant created_at;
    std::optional<Instant> started_at; // of the first attempt
    std::optional<Instant> claimed_at; // of the last one
    std::optional<Instant> finished_at;
    std::optional<Instant> expires_at;
    int attempt = 0;
    std::optional<int> max_attempts;
    int fence = 0;
    std::optional<WorkerId> worker;
    int crashes = 0;
    int snoozes = 0;
    int give_backs = 0;
    std::optional<Milliseconds> timeout;
    std::optional<std::string> unique_key;
    std::vector<std::string> tags;
    std::string meta;
    std::optional<std::string> reason;
    std::optional<std::string> result;
    std::optional<std::string> output;
    std::optional<std::string> error;
    std::optional<std::int64_t> cpu_ms;
    std::optional<std::int64_t> max_rss_bytes;
    std::optional<std::int64_t> read_bytes; // from and to storage devices, caches left out
    std::optional<std::int64_t> write_bytes;
};

struct AttemptRow {
    int fence = 0;
    int attempt = 0;
    std::optional<WorkerId> worker;
    std::optional<Instant> started_at;
    Instant finished_at;
    std::string outcome;
    std::optional<std::string> error_class;
    std::optional<std::string> error;
    std::optional<int> exit_code;
    std::optional<int> signal;
    std::optional<std::int64_t> cpu_ms;
    std::optional<std::int64_t> max_rss_bytes;
    std::optional<std::int64_t> read_bytes; // from and to storage devices, caches left out
    std::optional<std::int64_t> write_bytes;
    std::optional<std::string> output;
    std::optional<std::string> backtrace;
};

struct OutputRow {
    int fence = 0;
    int sequence = 0;
    Instant written_at;
    std::string stream;
    std::string body;
};

// Which jobs: every set member narrows. Pages go by id, newest first.
struct JobFilter {
    std::vector<JobState> states{};
    std::optional<std::string> kind{};
    std::optional<std::string> queue{};
    std::optional<std::string> tag{};
    std::optional<Instant> since{}; // created at or after
    std::optional<BatchId> batch{};
    std::optional<JobId> below{}; // only ids under it: the next page
    int limit = 50;               // in [1, 10000]
};

struct QueueRow {
    std::string queue;
    bool paused = false;
    std::int64_t available = 0;
    std::int64_t scheduled = 0;
    std::int64_t blocked = 0;
    std::int64_t running = 0;
    std::int64_t retryable = 0;
    std::int64_t dead = 0;
    std::optional<Milliseconds> oldest_age;
    std::int64_t completed_per_minute = 0;
    std::int64_t failed_per_minute = 0;
    std::optional<int> slots; // that operators have set, of each worker
    std::optional<int> weight;
};

struct WorkerRow {
    WorkerId id = 0;
    std::string name;
    std::string host;
    int pid = 0;
    std::string version;
    std::string state;
    int slots = 0;
    int running = 0;
    Instant started_at;
    Instant heartbeat_at;
    Instant lease_until;
    std::vector<std::string> labels;
    std::vector<std::string> queues;
    std::vector<std::string> kinds;
    std::string report = "{}"; // JSON: what is wrong with it
};

// Settled work per kind since an instant; counts of attempts, except for completed, dead and cancelled jobs.
struct KindStatsRow {
    std::string kind;
    std::int64_t completed = 0;
    std::int64_t failed = 0;
    std::int64_t dead = 0;
    std::int64_t cancelled = 0;
    std::int64_t snoozed = 0;
    std::int64_t released = 0;
    std::int64_t crashed = 0;
    std::int64_t run_ms = 0;  // summed over completed jobs
    std::int64_t wait_ms = 0; // summed over completed jobs: from runnable to started
};

// Settled work of one queue and kind within a step of time; counts as in KindStatsRow.
struct MinuteStatsRow {
    Instant begin; // of the step, which is a multiple of its length since 1970
    std::string queue;
    KindStatsRow counts;
};

inline constexpr int minute_stats_max = 50'000;

// What an unfinished job last said of itself. Unset: it never did.
struct ProgressRow {
    int fence = 0; // the claim that said it
    Instant updated_at;
    std::optional<double> percent;
    std::optional<std::string> note;
    std::optional<std::string> checkpoint; // JSON
};

// Dead letters that share kind and error fingerprint.
struct DeadGroup {
    std::string kind;
    std::string fingerprint;
    std::int64_t jobs = 0;
    JobId newest = 0;
    Instant newest_at;
    std::string error; // of the newest
};

enum class JobAction { cancel, retry, remove, reschedule, edit };

struct JobCommand {
    JobAction action = JobAction::cancel;
    std::optional<Instant> run_at{};      // reschedule: one of the two
    std::optional<Milliseconds> run_in{}; // reschedule
    std::string changes = "{}";           // edit: an object of columns and values
    std::string actor{};                  // for the audit
};

enum class ActionResult { done, requested, not_found, not_possible };

struct ActionOutcome {
    ActionResult result = ActionResult::done;
    std::string message; // not_possible: why, for people
};

struct Upkeep {
    int promoted = 0;
    int expired = 0;
};

// The one door between jobrunner and a database.
//
// A Storage owns a single connection. Every method is one transaction: when it returns, the change is durable; when it
// throws, nothing changed, except after ErrorKind::in_doubt. After unreachable or in_doubt the
// object reconnects by itself at the next call; it never does so within one.
//
// Threads:  not thread-safe. Each thread opens its own Storage.
// Time:     instants are UTC from the database's clock, never the caller's.
// Errors:   throws jobrunner::Error. Expected outcomes are return values.
// Bounds:   every list has a limit; spans hold at most claim_batch_max elements.
class Storage {
public:
    Storage() = default;
    Storage(const Storage&) = delete;
    Storage& operator=(const Storage&) = delete;
    virtual ~Storage() = default;

    // --- applications

    // Adds all jobs or none; results are in their order. Refuses bad values and, with OnConflict::refuse, held
    // unique keys with Error{refused}.
    [[nodiscard]] virtual std::vector<Enqueued> enqueue(
        std::span<const NewJob> jobs, OnConflict on_conflict) = 0;

    // --- workers: identity and lease

    // Makes the worker known with a fresh lease. Its id must be new.
    virtual void register_worker(const WorkerRecord& worker) = 0;
    // Replaces what the configurations say of these kinds.
    virtual void publish_kinds(std::span<const KindPolicy> kinds, const std::string& publisher) = 0;
    // Extends the lease from now. False: it has passed, so its jobs are somebody else's; register anew.
    [[nodiscard]] virtual bool heartbeat(const Heartbeat& heartbeat) = 0;
    // Ends the worker's lease: it has settled or given back everything.
    virtual void retire_worker(WorkerId worker) = 0;

    // --- workers: claim, run, settle

    // Looks, without taking anything, and renews a lease where the request asks for it: one query.
    [[nodiscard]] virtual Probe probe(const ProbeRequest& request) = 0;
    // Claims up to `limit` runnable jobs of kinds and labels that fit, lane by lane, and never waits for rows that
    // another worker is claiming. Charges each job an attempt and raises its fence.
    [[nodiscard]] virtual std::vector<ClaimedJob> claim(const ClaimRequest& request) = 0;
    // Where there are limits: moves jobs of the request's lanes aside that are under one, and claims up to `limit` of those
    // held that fit and that every limit has room for. Never waits for another worker that does the same.
    [[nodiscard]] virtual LimitedClaim claim_limited(const LimitedRequest& request) = 0;
    // Reads back a claim that ended in doubt: the jobs of that batch that this worker holds.
    [[nodiscard]] virtual std::vector<ClaimedJob> claimed_in(WorkerId worker, std::int64_t batch) = 0;
    // Closes claims; results are in their order. A claim that no longer stands changes nothing. Forgets
    // `done_batches`, claims of this worker all of whose jobs are settled.
    [[nodiscard]] virtual std::vector<Settled> settle(std::span<const Settlement> settlements,
        WorkerId worker, std::span<const std::int64_t> done_batches) = 0;
    // What became of claims whose settle ended in doubt: `lost` where the claim still stands, so that settling it
    // again is right, `applied` where it is closed.
    [[nodiscard]] virtual std::vector<Settled> settled_already(std::span<const ClaimToken> tokens) = 0;
    // Requests to stop jobs that this worker runs.
    [[nodiscard]] virtual std::vector<CancelRequest> cancel_requests(WorkerId worker) = 0;
    // Keeps what running jobs print and say. Stale claims are passed over.
    virtual void write_output(std::span<const LiveOutput> output) = 0;
    virtual void write_progress(std::span<const Progress> progress) = 0;

    // --- maintenance: any worker, any number of them at once

    // Puts up to `limit` jobs whose time has come into the claim order.
    [[nodiscard]] virtual int promote(int limit) = 0;
    // Lets blocked jobs go for which that time has come, cancels those that must not run any more, and closes batches:
    // whatever up to `limit` changes allow. Returns how many are done with.
    [[nodiscard]] virtual int pass_gates(int limit) = 0;
    // Cancels up to `limit` jobs that were not started in time.
    [[nodiscard]] virtual int expire(int limit) = 0;
    // Marks workers whose lease has passed as lost, and names up to `limit` of the jobs that they still hold.
    [[nodiscard]] virtual std::vector<AbandonedJob> abandoned(int limit) = 0;
    // Folds statistics, makes and drops history's days, clears workers long gone. Cheap when there is nothing to do.
    // `keeps` are the retentions in use, so that their days stand before they are needed.
    virtual void tidy(std::span<const Milliseconds> keeps) = 0;

    // --- schedules: any worker, any number of them at once

    // Makes the schedules of `source` those that are given, by name; unchanged ones are not written. With `all` those
    // of the same source that are not among them are removed. Pauses stay.
    virtual void put_schedules(
        std::span<const NewSchedule> schedules, const std::string& source, bool all) = 0;
    // One cheap look.
    [[nodiscard]] virtual ScheduleOutlook schedule_outlook() = 0;
    // Up to `limit` schedules that are due, or whose next due time is not worked out.
    [[nodiscard]] virtual std::vector<DueSchedule> due_schedules(int limit) = 0;
    // Notes the runs of the plan and enqueues their jobs, as `overlap` says, and sets the next due time. Each due time
    // is noted once, whoever comes first. False, and nothing changed: the schedule is not as it was read any more.
    [[nodiscard]] virtual bool fire_schedule(const ScheduleFiring& firing) = 0;
    // Sets the schedule aside, unless it was changed meanwhile, until somebody changes it.
    virtual void fail_schedule(const DueSchedule& schedule, const std::string& problem) = 0;
    // Enqueues runs that waited for an earlier one, oldest first: one of each schedule that has no unfinished run.
    virtual void release_runs() = 0;

    // --- people

    [[nodiscard]] virtual std::optional<JobRow> find(JobId id) = 0;
    [[nodiscard]] virtual std::vector<JobRow> list(const JobFilter& filter) = 0;
    [[nodiscard]] virtual std::vector<AttemptRow> attempts(JobId id) = 0;
    // Nothing for a job that said nothing, or has finished.
    [[nodiscard]] virtual std::optional<ProgressRow> progress(JobId id) = 0;
    // Live output of a running job after (fence, sequence), oldest first, at most 1000 chunks.
    [[nodiscard]] virtual std::vector<OutputRow> output(JobId id, int after_fence, int after_sequence) = 0;
    [[nodiscard]] virtual std::vector<QueueRow> queues() = 0;
    [[nodiscard]] virtual std::vector<WorkerRow> workers() = 0;
    [[nodiscard]] virtual std::vector<KindStatsRow> kind_stats(std::optional<Milliseconds> over_last) = 0;
    // The steps of the last while that have settled work, latest first, at most minute_stats_max rows. `step` is a
    // number of whole minutes. The step that has just begun is among them, with what there is of it.
    [[nodiscard]] virtual std::vector<MinuteStatsRow> minute_stats(
        Milliseconds over_last, std::chrono::minutes step) = 0;
    [[nodiscard]] virtual std::vector<DeadGroup> dead_groups(int limit) = 0;
    // The jobs on which a job depends, by id, at most 10000.
    [[nodiscard]] virtual std::vector<ParentRow> parents(JobId id) = 0;
    // Nothing for a job that is not unfinished.
    [[nodiscard]] virtual std::optional<WaitFacts> wait_facts(JobId id) = 0;

    // What is wrong with the database, its settings and its workers; the worst first. Counts no whole table.
    [[nodiscard]] virtual std::vector<Finding> findings() = 0;
    // Promises that rows break, at most 100 of each. Reads everything that is kept.
    [[nodiscard]] virtual std::vector<Violation> violations() = 0;

    // Refuses callbacks that are no jobs, and a parent that has finished.
    [[nodiscard]] virtual BatchId create_batch(const NewBatch& batch) = 0;
    // False: there is no such batch.
    [[nodiscard]] virtual bool seal_batch(BatchId batch) = 0;
    // The one, or the latest `limit`, newest first.
    [[nodiscard]] virtual std::vector<BatchRow> batches(std::optional<BatchId> one, int limit) = 0;

    // Acts on each job by itself: one that cannot be done does not stop the others. Results are in the order of `ids`.
    [[nodiscard]] virtual std::vector<ActionOutcome> act(
        const JobCommand& command, std::span<const JobId> ids) = 0;
    virtual void pause_queue(const std::string& queue, const std::string& actor) = 0;
    virtual void resume_queue(const std::string& queue, const std::string& actor) = 0;
    // Sets a queue's weight and slots for every worker; unset members stay.
    virtual void set_queue(const std::string& queue, std::optional<int> slots, std::optional<int> weight,
        const std::string& actor) = 0;
    // By scope and name, at most 10000.
    [[nodiscard]] virtual std::vector<LimitRow> limits() = 0;
    // Sets the limit of that scope and name for every worker, whatever it was before.
    virtual void set_limit(const Limit& limit, const std::string& actor) = 0;
    // Whether there was one. What it held goes back into the claim order.
    [[nodiscard]] virtual bool remove_limit(
        LimitScope scope, const std::string& name, const std::string& actor) = 0;
    // By name, at most 10000.
    [[nodiscard]] virtual std::vector<ScheduleRow> schedules() = 0;
    // Newest first.
    [[nodiscard]] virtual std::vector<ScheduleRunRow> schedule_runs(const std::string& name, int limit) = 0;
    // Each returns whether there is such a schedule. A paused one's due times pass; resumed, it goes on from now.
    [[nodiscard]] virtual bool pause_schedule(const std::string& name, const std::string& actor) = 0;
    [[nodiscard]] virtual bool resume_schedule(const std::string& name, const std::string& actor) = 0;
    [[nodiscard]] virtual bool remove_schedule(const std::string& name, const std::string& actor) = 0;
    // Enqueues a job of the schedule at once, whatever its overlap rule says. Throws Error{not_found}, and
    // Error{not_possible} where its unique_key is held.
    [[nodiscard]] virtual JobId run_schedule(const std::string& name, const std::string& actor) = 0;
    // Deletes up to `limit` finished jobs of the given states that finished before now - `older_than`.
    // Returns how many; call again while it returns `limit`.
    [[nodiscard]] virtual int prune(std::span<const JobState> states, Milliseconds older_than, int limit) = 0;
};

} // namespace jobrunner
