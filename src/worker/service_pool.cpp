#include "worker/service_pool.hpp"

#include "core/text.hpp"
#include "worker/run_reports.hpp"
#include "worker/service_lines.hpp"
#include "worker/worker_log.hpp"

#include <algorithm>

namespace jobrunner {

void ServicePool::add(ClaimedJob job, std::optional<Milliseconds> timeout, Time now)
{
    Waiting waiting;
    waiting.jobs.push_back({std::move(job), timeout});
    wait(std::move(waiting), now);
}

void ServicePool::add_chunk(std::vector<TimedJob> jobs, Time now)
{
    wait({.jobs = std::move(jobs), .is_chunk = true}, now);
}

void ServicePool::wait(Waiting waiting, Time now)
{
    waiting_.push_back(std::move(waiting));
    if (gone_ || held_back_) {
        give_back_waiting(gone_ ? "its service is no longer configured here" : "its service does not start");
    }
    pump(now);
}

void ServicePool::say_end(const ClaimToken& token, RunReport report)
{
    words_.emplace_back([token, said = std::move(report)](RunSink& sink) { sink.done(token, said); });
}

void ServicePool::give_back_waiting(const std::string& why, RunEnd how)
{
    for (const auto& waiting : std::exchange(waiting_, {})) {
        for (const auto& one : waiting.jobs) {
            say_end(one.job.token, failed_report(how, {}, how == RunEnd::released ? why : ""));
        }
    }
}

// --- handing over

ServiceChild* ServicePool::free_child(ProcessKey& key)
{
    ServiceChild* best = nullptr;
    for (auto& [number, child] : children_) {
        if (child.has_room() && (best == nullptr || child.hand_overs.size() < best->hand_overs.size())) {
            best = &child;
            key = number;
        }
    }
    return best;
}

bool ServicePool::hand_over(ProcessKey key, ServiceChild& child, Time now)
{
    const Waiting& next = waiting_.front();
    std::vector<std::string> lines;
    for (const auto& one : next.jobs) {
        lines.push_back(service_job_line(one.job, one.timeout));
    }
    if (!processes_.write(key, next.is_chunk ? service_jobs_line(lines) : lines.front())) {
        child.congested = true;
        return false;
    }
    const auto hand_over = ++last_hand_over_;
    for (const auto& one : next.jobs) {
        ServiceRun run;
        run.token = one.job.token;
        run.hand_over = hand_over;
        if (one.timeout) {
            run.timeout = *one.timeout;
            run.deadline = now + *one.timeout;
            plan(*run.deadline);
        }
        if (const auto earlier = child.jobs.find(run.token.job); earlier != child.jobs.end()) {
            child.remove(earlier);
        }
        ++child.hand_overs[hand_over];
        child.jobs.emplace(run.token.job, std::move(run));
        ++child.taken;
    }
    waiting_.pop_front();
    if (config_.recycle_after_jobs && child.taken >= *config_.recycle_after_jobs) {
        child.retiring = true;
    }
    return true;
}

void ServicePool::pump(Time now)
{
    ProcessKey key = 0;
    while (!waiting_.empty()) {
        ServiceChild* child = free_child(key);
        if (child == nullptr) {
            break;
        }
        static_cast<void>(hand_over(key, *child, now)); // one that does not read is passed over from then on
    }
    start_children(now);
}

int ServicePool::living() const
{
    return static_cast<int>(
        std::ranges::count_if(children_, [](const auto& one) { return one.second.is_living(); }));
}

int ServicePool::starting() const
{
    return static_cast<int>(std::ranges::count_if(
        children_, [](const auto& one) { return one.second.is_living() && one.second.concurrency == 0; }));
}

// What waits wants children, as many as it is; after a failure one child is the probe for all.
bool ServicePool::wants_child() const
{
    const int demand = held_back_ ? 1 : static_cast<int>(waiting_.size());
    const int most = backoff_.failures() > 0 ? std::min(living() - starting() + 1, config_.instances_max)
                                             : config_.instances_max;
    return living() < most && (starting() < demand || living() < config_.instances_min);
}

void ServicePool::start_children(Time now)
{
    while (!gone_ && !backoff_.waits(now) && wants_child()) {
        ServiceChild child;
        child.deadline = now + config_.start_timeout;
        child.idle_since = now;
        children_.emplace(processes_.start(config_), std::move(child));
        plan_anew();
    }
}

// --- ends

void ServicePool::retire(ProcessKey key, ServiceChild& child, Time now)
{
    child.retiring = true;
    if (!child.jobs.empty() || child.told) {
        return;
    }
    child.told = true;
    child.deadline = now + config_.process.grace;
    plan(*child.deadline);
    static_cast<void>(processes_.write(key, service_shutdown_line())); // the end of its input says the same
    processes_.close_input(key);
}

void ServicePool::stop_child(ProcessKey key, ServiceChild& child, std::string reason)
{
    if (!std::exchange(child.stopped, true)) {
        processes_.stop(key, reason);
    }
}

void ServicePool::doom(ProcessKey key, ServiceRun& run, RunEnd end, Time now)
{
    if (run.doom) {
        return;
    }
    run.doom = end;
    run.deadline = now + config_.process.grace;
    plan(*run.deadline);
    // One that does not read its input is stopped when the grace is over.
    static_cast<void>(processes_.write(key, service_cancel_line(run.token.job)));
}

void ServicePool::stop(const ClaimToken& token, StopCause cause, Time now)
{
    const RunEnd end = cause == StopCause::cancelled ? RunEnd::cancelled : RunEnd::released;
    for (auto& waiting : waiting_) {
        if (std::erase_if(waiting.jobs, [&](const TimedJob& one) { return one.job.token == token; }) > 0) {
            say_end(token, failed_report(end, {}, {}));
        }
    }
    std::erase_if(waiting_, [](const Waiting& one) { return one.jobs.empty(); });
    for (auto& [key, child] : children_) {
        const auto run = child.jobs.find(token.job);
        if (run != child.jobs.end() && run->second.token == token) {
            doom(key, run->second, end, now);
        }
    }
}

void ServicePool::kill_all(StopCause cause)
{
    const RunEnd end = cause == StopCause::cancelled ? RunEnd::cancelled : RunEnd::released;
    give_back_waiting("the worker stops", end);
    for (auto& [key, child] : children_) {
        child.stopped = true;
        for (auto& [id, run] : child.jobs) {
            run.doom = end;
        }
    }
}

void ServicePool::renew(std::optional<ServiceConfig> config, Time now)
{
    gone_ = !config;
    if (config) {
        config_ = std::move(*config);
    }
    for (auto& [key, child] : children_) {
        retire(key, child, now);
    }
    backoff_ = {};
    held_back_ = false;
    if (gone_) {
        give_back_waiting("its service is no longer configured here");
    }
    pump(now);
}

void ServicePool::on_end(const ProcessEnded& end, Time now)
{
    const auto found = children_.find(end.key);
    if (found == children_.end()) {
        return;
    }
    const ServiceChild child = std::move(found->second);
    children_.erase(found);
    for (const auto& [id, run] : child.jobs) {
        say_end(run.token, run.orphaned(end, child.trouble, config_.process.output_max));
    }
    const bool by_worker = child.stopped && !child.trouble && child.concurrency > 0;
    const bool in_vain = child.ended == 0 && !child.retiring && !by_worker;
    if (in_vain) {
        note_failure(end, child, now);
    }
    if (in_vain && child.concurrency == 0) {
        const bool others = std::any_of(
            children_.begin(), children_.end(), [](const auto& one) { return one.second.concurrency > 0; });
        held_back_ = held_back_ || !others;
    }
    if (held_back_) {
        give_back_waiting("its service does not start");
    }
    pump(now);
}

void ServicePool::note_failure(const ProcessEnded& end, const ServiceChild& child, Time now)
{
    const Milliseconds wait = backoff_.failed(now);
    plan(now + wait);
    // Once it had jobs, its last words may be about their data, which has no place in a log.
    const std::string said = child.concurrency == 0 ? last_words_of(end) : "";
    last_failure_ = death_of(end) + (said.empty() ? "" : ": " + said);
    spdlog::error("service_failed service={} failures={} retry_in_ms={} error={} said={}",
        log_value(config_.name), backoff_.failures(), wait.count(), log_value(death_of(end)),
        log_value(said));
}

// --- time

void ServicePool::plan(Time at)
{
    next_due_ = std::min(next_due_.value_or(at), at);
}

void ServicePool::plan_anew()
{
    next_due_ = backoff_.until();
    const auto consider = [this](const std::optional<Time>& at) {
        if (at) {
            plan(*at);
        }
    };
    for (const auto& [key, child] : children_) {
        consider(child.deadline);
        consider(idle_end(child));
        for (const auto& [id, run] : child.jobs) {
            consider(run.deadline);
        }
    }
}

std::optional<ServicePool::Time> ServicePool::idle_end(const ServiceChild& child) const
{
    const bool idle = child.concurrency > 0 && child.jobs.empty() && child.is_living();
    const bool spare = living() > config_.instances_min;
    return idle && spare && config_.idle_timeout ? std::optional(child.idle_since + *config_.idle_timeout)
                                                 : std::nullopt;
}

void ServicePool::tick_child(ProcessKey key, ServiceChild& child, Time now)
{
    for (auto& [id, run] : child.jobs) {
        if (!run.deadline || *run.deadline > now) {
            continue;
        }
        if (!run.doom) {
            doom(key, run, RunEnd::timed_out, now);
        } else {
            run.deadline.reset();
            stop_child(key, child, "a job did not stop in its grace");
        }
    }
    if (child.deadline && *child.deadline <= now) {
        child.deadline.reset();
        stop_child(key, child, child.told ? "it did not leave in its grace" : "it was not ready in time");
    }
    if (const auto end = idle_end(child); end && *end <= now) {
        retire(key, child, now);
    }
}

void ServicePool::tick(Time now)
{
    for (auto& [key, child] : children_) {
        tick_child(key, child, now);
    }
    if (!backoff_.waits(now)) {
        backoff_.release();
    }
    pump(now);
    plan_anew();
}

} // namespace jobrunner
