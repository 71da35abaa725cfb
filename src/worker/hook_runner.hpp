#pragma once

#include "config/config.hpp"
#include "worker/run_observer.hpp"
#include "worker/runner_set.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace jobrunner {

// Calls the hooks of the configuration when jobs start and end: beside the jobs, in the order of the events, a few at a time. A
// call is made once: what fails is logged, what waits when the worker dies is lost, and so is what comes while thousands wait.
//
// A hook runs as a job would, through runners of its own, and has the event as its args.
// Threads: all methods from any thread.
class HookRunner final : public RunObserver, private RunSink {
public:
    HookRunner(std::shared_ptr<const Config> config, const std::string& database_without_password);
    ~HookRunner() override;

    void set_config(const std::shared_ptr<const Config>& config);
    // Waits for what was called, for so long at most; the rest is given up, and said so in the log.
    void drain(Milliseconds at_most);

    void started(const ClaimedJob& job) override;
    void settled(const Settlement& settlement, Settled how) override;

private:
    void done(const ClaimToken& token, RunReport report) override;
    void wrote(const ClaimToken&, const std::string&, std::string) override {}
    void progressed(const ClaimToken&, std::optional<double>, std::optional<std::string>,
        std::optional<std::string>) override
    {
    }
    // The hooks that are to be called, by name; most often there are none at all, and that is seen without a lock.
    [[nodiscard]] std::vector<std::string> wanted(std::string_view event, const std::string& kind);
    void call(const std::vector<std::string>& hooks, JobId job, const std::string& args);
    [[nodiscard]] RunnerSet& runners();
    void start_next();

    std::atomic<bool> has_hooks_;
    std::mutex mutex_;
    std::condition_variable ended_;
    std::shared_ptr<const Config> config_;
    std::deque<ClaimedJob> waiting_;
    int running_ = 0;
    bool starting_ = false;    // some thread starts what waits
    std::int64_t dropped_ = 0; // since it was said last
    WorkerId last_call_;
    const std::string database_;
    std::unique_ptr<RunnerSet> runners_; // with the first hook; last: its threads use the rest
};

} // namespace jobrunner
