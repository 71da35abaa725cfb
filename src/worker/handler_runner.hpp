#pragma once

#include "worker/job_runner.hpp"

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace jobrunner {

// What a handler is called with; `job` lives as long as the call.
struct HandlerCall {
    const ClaimedJob& job;
    std::stop_token stop;
    std::optional<std::chrono::steady_clock::time_point> deadline; // its timeout's end
};

struct HandlerKind {
    // Returns its report; what it throws is a failed attempt. Called from any of the runner's threads.
    std::function<RunReport(const HandlerCall&)> run;
    std::optional<Milliseconds> timeout{}; // where the row has none; nothing: unbounded
};

// The type of what was thrown, as it is written in C++.
[[nodiscard]] std::string class_name(const std::exception& error);

// Runs jobs by calling C++ functions, by kind, on a pool of threads.
//
// A handler stops cooperatively: its stop token says when it was cancelled, timed out, or must hand its job back. A thread
// cannot be ended from outside, and a handler that ran past its claim's lease would work on a job that somebody else may
// have by then, so `on_overrun` must end the process.
class HandlerRunner final : public JobRunner {
public:
    using Overrun = std::function<void(const ClaimedJob& job)>;

    // `on_overrun` is called from the runner's clock; by default it logs and exits with status 1.
    HandlerRunner(
        std::map<std::string, HandlerKind> kinds, int threads, RunSink& sink, Overrun on_overrun = {});
    // Asks all handlers to stop and waits for them.
    ~HandlerRunner() override;

    void start(const ClaimedJob& job) override;
    void stop(const ClaimToken& token, StopCause cause) override;
    void kill_all(StopCause cause) override;
    void lease_until(std::chrono::nanoseconds boot_time) override;

private:
    struct Run {
        ClaimedJob job;
        std::stop_source stop{};
        RunEnd stopped_as = RunEnd::succeeded; // succeeded: nobody asked it to stop
        std::optional<std::chrono::steady_clock::time_point> deadline{};
        std::optional<std::chrono::nanoseconds>
            over_by{}; // the end of a lease that will not be renewed for it

        void end_as(RunEnd end);
    };
    using RunKey = std::pair<JobId, int>; // a claim's job and fence

    void report_unstarted(const ClaimToken& token, RunEnd end);
    void serve(const std::stop_token& stop);
    [[nodiscard]] RunReport call(const Run& run) const;
    void watch(const std::stop_token& stop);
    // Stops what is out of time; returns how long nothing else can be. `mutex_` is held.
    [[nodiscard]] std::chrono::nanoseconds look_at_clocks();

    const std::map<std::string, HandlerKind> kinds_;
    RunSink& sink_;
    const Overrun on_overrun_;
    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::condition_variable_any ticked_;
    std::deque<ClaimedJob> queue_;
    std::map<RunKey, Run> runs_;
    std::chrono::nanoseconds lease_until_{std::chrono::nanoseconds::max()}; // none was told yet
    std::chrono::nanoseconds lease_margin_{0}; // before the lease's end, in which handlers are asked to stop
    std::jthread clock_;
    std::vector<std::jthread> threads_; // last: they use the rest
};

} // namespace jobrunner
