#pragma once

#include "config/config.hpp"
#include "storage/open_storage.hpp"
#include "worker/dispatcher.hpp"
#include "worker/janitor.hpp"
#include "worker/job_runner.hpp"
#include "worker/lease_keeper.hpp"
#include "worker/run_board.hpp"
#include "worker/run_observer.hpp"
#include "worker/settler.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <thread>

namespace jobrunner {

struct WorkerOptions {
    WorkerConfig worker;
    std::map<std::string, QueueConfig> queue_limits;
    std::vector<KindPolicy> kinds;
    std::optional<std::vector<NewSchedule>> schedules; // nothing: the configuration says nothing of them
    std::vector<std::string> queues;                   // to work on; none: every one
    DatabaseOptions database;
};

// A worker: claims jobs, runs them, settles them, keeps its lease, and does its share of maintenance, each on a
// thread and a connection of its own. Between the threads stand the board (what is held) and the settler's queue.
//
// Threads: figures() from any, all other methods from any one thread at a time. stop() ends it; the destructor stops at
// once if that was not done.
class Worker final : public RunSink {
public:
    using MakeRunner = std::function<std::unique_ptr<JobRunner>(RunSink&)>;

    // Starts to work. Throws Error where the database cannot be used at all (outdated schema); one that is
    // not reachable is waited for.
    // `observer`, if there is one, must outlive it.
    Worker(WorkerOptions options, const MakeRunner& make_runner, RunObserver* observer = nullptr);
    ~Worker() override;

    // New kinds, limits or policies: what runs goes on as it began.
    void reconfigure(const WorkerOptions& options);
    void set_quiet(bool quiet);
    // Claims nothing more, lets running jobs finish for `at_most`, gives back the others and leaves. Returns early
    // when `hurry` says so.
    void stop(Milliseconds at_most, const std::function<bool()>& hurry);

    [[nodiscard]] bool idle() const { return dispatcher_.idle() && board_.held() == 0; }
    [[nodiscard]] int running() const { return board_.running(); }
    [[nodiscard]] const SettledCounts& counts() const { return settler_.counts(); }
    [[nodiscard]] WorkerFigures figures() const;
    // Set when a thread met an error that it cannot get over; the worker is of no use then.
    [[nodiscard]] std::optional<Error> failure() const;
    [[nodiscard]] JobRunner& runner() { return *runner_; }

    // RunSink
    void done(const ClaimToken& token, RunReport report) override;
    void wrote(const ClaimToken& token, const std::string& stream, std::string text) override;
    void progressed(const ClaimToken& token, std::optional<double> percent, std::optional<std::string> note,
        std::optional<std::string> checkpoint) override;
    void held_back(const std::vector<HeldBack>& services) override;

private:
    [[nodiscard]] KindPolicy policy_of(const std::string& kind) const;
    void start_all(std::vector<ClaimedJob> jobs);
    void claim_what_runs(std::optional<Abilities> abilities);
    void give_back(const std::vector<ClaimedJob>& jobs);
    template <typename Run>
    std::jthread guard(const char* name, Run run);

    mutable std::mutex mutex_;
    std::map<std::string, KindPolicy> policies_;
    Abilities abilities_;             // with what is held back
    std::set<std::string> held_back_; // kinds
    std::map<JobId, int> sequences_;  // of live output
    std::optional<Error> failure_;
    bool stopped_ = false;

    RunObserver* const observer_;
    RunBoard board_;
    Settler settler_;
    std::unique_ptr<JobRunner> runner_;
    LeaseKeeper keeper_;
    Dispatcher dispatcher_;
    Janitor janitor_;
    std::jthread settle_thread_;
    std::jthread lease_thread_;
    std::jthread janitor_thread_;
    std::jthread claim_thread_;
};

} // namespace jobrunner
