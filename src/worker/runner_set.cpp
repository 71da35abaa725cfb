#include "worker/runner_set.hpp"

#include "worker/run_reports.hpp"

namespace jobrunner {

RunnerSet::RunnerSet(std::shared_ptr<const Config> config, Runners runners, RunSink& sink)
    : sink_(sink),
      config_(std::move(config)),
      runners_(std::move(runners)),
      gatherer_([this](const std::vector<ClaimedJob>& jobs) { start_chunk(jobs); })
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

RunnerSet::Way RunnerSet::way_of(const std::string& kind)
{
    const std::lock_guard lock(mutex_);
    const KindConfig* found = find_kind(*config_, kind);
    if (found == nullptr) {
        return {};
    }
    return {runners_.at(found->runs.index()).get(), found->chunk};
}

void RunnerSet::start(const ClaimedJob& job)
{
    const Way way = way_of(job.kind);
    if (way.runner == nullptr) {
        refuse(job);
    } else if (way.chunk) {
        gatherer_.add(job, *way.chunk);
    } else {
        way.runner->start(job);
    }
}

void RunnerSet::start_chunk(const std::vector<ClaimedJob>& jobs)
{
    const Way way = way_of(jobs.front().kind);
    if (way.runner != nullptr && way.chunk) {
        way.runner->start_chunk(jobs);
        return;
    }
    // The configuration was read anew meanwhile.
    for (const auto& job : jobs) {
        if (way.runner != nullptr) {
            way.runner->start(job);
        } else {
            refuse(job);
        }
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
    if (gatherer_.remove(token)) {
        sink_.done(token, stopped_report(cause));
        return;
    }
    for (const auto& runner : runners_) {
        if (runner) {
            runner->stop(token, cause);
        }
    }
}

void RunnerSet::kill_all(StopCause cause)
{
    for (const auto& token : gatherer_.clear()) {
        sink_.done(token, stopped_report(cause));
    }
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
