#pragma once

#include "worker/job_runner.hpp"

#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace jobrunner {

// Runs jobs by calling C++ functions, by kind, on a pool of threads.
//
// A handler returns its report; what it throws is a failed attempt. It is told to stop through its stop token, and
// has to look at it by itself.
class HandlerRunner final : public JobRunner {
public:
    using Handler = std::function<RunReport(const ClaimedJob&, const std::stop_token&)>;

    HandlerRunner(std::map<std::string, Handler> handlers, int threads, RunSink& sink);
    ~HandlerRunner() override;

    void start(const ClaimedJob& job) override;
    void stop(const ClaimToken& token, StopCause cause) override;
    void kill_all(StopCause cause) override;
    void lease_until(std::chrono::nanoseconds) override {}

private:
    struct Run {
        std::stop_source stop;
        std::optional<StopCause> cause;
    };

    void serve(const std::stop_token& stop);
    [[nodiscard]] RunReport call(const ClaimedJob& job, const std::stop_token& stop) const;

    std::map<std::string, Handler> handlers_;
    RunSink& sink_;
    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::deque<ClaimedJob> queue_;
    std::map<JobId, Run> runs_;
    std::vector<std::jthread> threads_; // last: they use the rest
};

} // namespace jobrunner
