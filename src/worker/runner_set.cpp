#include "worker/runner_set.hpp"

#include "worker/run_reports.hpp"

namespace jobrunner {

RunnerSet::RunnerSet(std::shared_ptr<const Config> config, Runners runners, RunSink& sink)
    : sink_(sink), config_(std::move(config)), runners_(std::move(runners))
{
}

void RunnerSet::set_config(std::shared_ptr<const Config> config)
{
    const std::lock_guard lock(mutex_);
    config_ = std::move(config);
    for (const auto& runner : runners_) {
        if (runner) {
            runner->set_config(config_);
        }
    }
}

KindRunner* RunnerSet::runner_of(const std::string& kind)
{
    const std::lock_guard lock(mutex_);
    const KindConfig* found = find_kind(*config_, kind);
    return found == nullptr ? nullptr : runners_.at(found->runs.index()).get();
}

void RunnerSet::start(const ClaimedJob& job)
{
    if (KindRunner* runner = runner_of(job.kind)) {
        runner->start(job);
    } else {
        refuse(job);
    }
}

// The configuration was read anew between claim and start: somebody else may run it.
void RunnerSet::refuse(const ClaimedJob& job)
{
    sink_.done(
        job.token, failed_report(RunEnd::released, {}, "kind " + job.kind + " is no longer configured here"));
}

void RunnerSet::stop(const ClaimToken& token, StopCause cause)
{
    for (const auto& runner : runners_) {
        if (runner) {
            runner->stop(token, cause);
        }
    }
}

void RunnerSet::kill_all(StopCause cause)
{
    for (const auto& runner : runners_) {
        if (runner) {
            runner->kill_all(cause);
        }
    }
}

void RunnerSet::lease_until(std::chrono::nanoseconds boot_time)
{
    for (const auto& runner : runners_) {
        if (runner) {
            runner->lease_until(boot_time);
        }
    }
}

} // namespace jobrunner
