#include "worker/service_pool.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "worker/run_reports.hpp"
#include "worker/service_lines.hpp"
#include "worker/service_report.hpp"
#include "worker/worker_log.hpp"

#include <algorithm>

namespace jobrunner {
namespace {

void keep_tail(std::string& output, std::string_view more, std::size_t bytes_max)
{
    output += more;
    if (output.size() > 2 * bytes_max) {
        output = tail_of(output, bytes_max);
    }
}

} // namespace

void ServicePool::add(ClaimedJob job, std::optional<Milliseconds> timeout, Time now)
{
    waiting_.push_back({std::move(job), timeout});
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
    for (const auto& one : std::exchange(waiting_, {})) {
        say_end(one.job.token, failed_report(how, {}, how == RunEnd::released ? why : ""));
    }
}

// --- handing over

ServicePool::Child* ServicePool::free_child(ProcessKey& key)
{
    Child* best = nullptr;
    for (auto& [number, child] : children_) {
        const auto load = static_cast<int>(child.jobs.size());
        const bool full = child.retiring || child.stopped || child.congested || load >= child.concurrency;
        if (!full && (best == nullptr || child.jobs.size() < best->jobs.size())) {
            best = &child;
            key = number;
        }
    }
    return best;
}

bool ServicePool::hand_over(ProcessKey key, Child& child, Time now)
{
    const Waiting& next = waiting_.front();
    if (!processes_.write(key, service_job_line(next.job, next.timeout))) {
        child.congested = true;
        return false;
    }
    Running run;
    run.token = next.job.token;
    if (next.timeout) {
        run.timeout = *next.timeout;
        run.deadline = now + *next.timeout;
        plan(*run.deadline);
    }
    child.jobs.insert_or_assign(run.token.job, std::move(run));
    ++child.taken;
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
        Child* child = free_child(key);
        if (child == nullptr) {
            break;
        }
        static_cast<void>(hand_over(key, *child, now)); // one that does not read is passed over from then on
    }
    start_children(now);
}

bool ServicePool::is_living(const Child& child)
{
    return !child.retiring && !child.stopped;
}

int ServicePool::living() const
{
    return static_cast<int>(
        std::ranges::count_if(children_, [](const auto& one) { return is_living(one.second); }));
}

int ServicePool::starting() const
{
    return static_cast<int>(std::ranges::count_if(
        children_, [](const auto& one) { return is_living(one.second) && one.second.concurrency == 0; }));
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
        Child child;
        child.deadline = now + config_.start_timeout;
        child.idle_since = now;
        children_.emplace(processes_.start(config_), std::move(child));
        plan_anew();
    }
}

// --- what children say

void ServicePool::on_started(const ProcessStarted& started)
{
    if (const auto child = children_.find(started.key); child != children_.end()) {
        child->second.pid = started.pid;
    }
}

// Printed while one job runs, it is that job's; what is printed beside several is nobody's.
void ServicePool::on_output(const ProcessOutput& output)
{
    const auto child = children_.find(output.key);
    if (child == children_.end() || child->second.jobs.size() != 1) {
        return;
    }
    Running& run = child->second.jobs.begin()->second;
    run.wrote_live = true;
    const std::string text = text_of(output.chunks);
    keep_tail(run.output, text, config_.process.output_max);
    words_.emplace_back([token = run.token, text](RunSink& sink) { sink.wrote(token, "error", text); });
}

void ServicePool::on_message(const ProcessMessage& message, Time now)
{
    const auto found = children_.find(message.key);
    if (found == children_.end()) {
        return;
    }
    Child& child = found->second;
    try {
        if (message.too_long) {
            throw Error(ErrorKind::refused, "a line of the service is over 1 MiB");
        }
        const auto parsed = parse_service_message(message.line);
        if (const auto* ready = std::get_if<ServiceReady>(&parsed)) {
            on_ready(child, ready->concurrency);
        } else {
            take(found->first, child, std::get<ServiceJobMessage>(parsed), now);
        }
    } catch (const Error& error) {
        spdlog::warn(
            "service_line_malformed service={} error={}", log_value(config_.name), log_value(error.what()));
        take_malformed(found->first, child, message.line, error.what(), now);
    }
    pump(now);
}

// Fails the job that the line names before it goes wrong, else all of the child's.
void ServicePool::take_malformed(
    ProcessKey key, Child& child, const std::string& line, const std::string& problem, Time now)
{
    const auto job = job_named_early(line);
    if (job && child.jobs.contains(*job)) {
        take(key, child, {.job = *job, .message = {}, .problem = problem, .is_end = true}, now);
        return;
    }
    note_trouble(key, child, {"MalformedMessage", problem + ": " + scrub_text(head_of(line, 100))});
}

void ServicePool::on_ready(Child& child, int concurrency)
{
    child.deadline = child.concurrency == 0 ? std::nullopt : child.deadline;
    child.concurrency = concurrency;
    if (std::exchange(held_back_, false)) {
        spdlog::info("service_ready_again service={}", log_value(config_.name));
    }
    backoff_.release();
    plan_anew();
}

// A child that cannot be talked to any more: its jobs fail for that, and another one takes its place.
void ServicePool::note_trouble(ProcessKey key, Child& child, ServiceTrouble trouble)
{
    if (!child.trouble) {
        child.trouble = std::move(trouble);
    }
    stop_child(key, child, "it is not to be talked to");
}

void ServicePool::take(ProcessKey key, Child& child, const ServiceJobMessage& message, Time now)
{
    const auto found = child.jobs.find(message.job);
    if (found == child.jobs.end()) {
        spdlog::warn("service_message_stale service={} job_id={}", log_value(config_.name), message.job);
        return;
    }
    Running& run = found->second;
    if (!message.message) {
        if (message.is_end) {
            end_job(child, found, failed_report(RunEnd::failed, "MalformedMessage", message.problem), now);
            after_job(key, child);
        } else if (run.malformed.empty()) {
            run.malformed = message.problem;
        }
    } else if (const auto* end = std::get_if<RunReport>(&*message.message)) {
        end_job(child, found, *end, now);
        after_job(key, child);
    } else if (const auto* extend = std::get_if<JobExtend>(&*message.message)) {
        run.timeout += extend->by;
        if (run.deadline && !run.doom) {
            *run.deadline += extend->by;
        }
    } else if (const auto* progress = std::get_if<JobProgress>(&*message.message)) {
        run.wrote_live = true;
        words_.emplace_back([token = run.token, said = *progress](RunSink& sink) {
            sink.progressed(token, said.percent, said.note, said.checkpoint);
        });
    } else {
        const std::string line = std::get<JobLogLine>(*message.message).line + "\n";
        run.wrote_live = true;
        keep_tail(run.output, line, config_.process.output_max);
        words_.emplace_back([token = run.token, line](RunSink& sink) { sink.wrote(token, "log", line); });
    }
}

// A job that was told to stop and finishes all the same has finished.
void ServicePool::end_job(Child& child, std::map<JobId, Running>::iterator found, RunReport report, Time now)
{
    Running run = std::move(found->second);
    child.jobs.erase(found);
    ++child.ended;
    backoff_.worked();
    child.idle_since = now;
    if (config_.idle_timeout) {
        plan(now + *config_.idle_timeout);
    }
    if (run.doom && report.end != RunEnd::succeeded) {
        report = doomed_report(*run.doom, run.timeout);
    } else if (!run.malformed.empty() && report.end == RunEnd::succeeded) {
        report = failed_report(RunEnd::failed, "MalformedMessage", run.malformed);
    }
    report.output = tail_of(run.output, config_.process.output_max);
    report.wrote_live_output = run.wrote_live;
    say_end(run.token, std::move(report));
}

void ServicePool::after_job(ProcessKey key, Child& child)
{
    if (config_.recycle_over_memory && !child.retiring &&
        processes_.resident_bytes(child.pid).value_or(0) > *config_.recycle_over_memory) {
        spdlog::info("service_recycled service={} pid={} reason=memory", log_value(config_.name), child.pid);
        child.retiring = true;
    }
    if (child.retiring && child.jobs.empty()) {
        retire(key, child, child.idle_since);
    }
}

void ServicePool::on_input_taken(const ProcessInputTaken& taken, Time now)
{
    const auto child = children_.find(taken.key);
    if (child == children_.end()) {
        return;
    }
    child->second.congested = false;
    if (taken.closed && !child->second.told) {
        spdlog::warn("service_input_closed service={}", log_value(config_.name));
        note_trouble(taken.key, child->second,
            {"InputClosed", "the service closed its standard input, where its jobs come from"});
    }
    pump(now);
}

// --- ends

void ServicePool::retire(ProcessKey key, Child& child, Time now)
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

void ServicePool::stop_child(ProcessKey key, Child& child, std::string reason)
{
    if (!std::exchange(child.stopped, true)) {
        processes_.stop(key, reason);
    }
}

void ServicePool::doom(ProcessKey key, Running& run, RunEnd end, Time now)
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
    const auto waits = std::find_if(
        waiting_.begin(), waiting_.end(), [&](const Waiting& one) { return one.job.token == token; });
    if (waits != waiting_.end()) {
        say_end(token, failed_report(end, {}, {}));
        waiting_.erase(waits);
    }
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
    const Child child = std::move(found->second);
    children_.erase(found);
    for (const auto& [id, run] : child.jobs) {
        auto report = run.doom ? doomed_report(*run.doom, run.timeout) : orphaned_report(end, child.trouble);
        report.output =
            run.output.empty() ? text_of(end.output) : tail_of(run.output, config_.process.output_max);
        report.wrote_live_output = run.wrote_live;
        say_end(run.token, std::move(report));
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

void ServicePool::note_failure(const ProcessEnded& end, const Child& child, Time now)
{
    const Milliseconds wait = backoff_.failed(now);
    plan(now + wait);
    // Once it had jobs, its last words may be about their data, which has no place in a log.
    const std::string said = child.concurrency == 0 ? last_words_of(end) : "";
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

std::optional<ServicePool::Time> ServicePool::idle_end(const Child& child) const
{
    const bool idle = child.concurrency > 0 && child.jobs.empty() && is_living(child);
    const bool spare = living() > config_.instances_min;
    return idle && spare && config_.idle_timeout ? std::optional(child.idle_since + *config_.idle_timeout)
                                                 : std::nullopt;
}

void ServicePool::tick_child(ProcessKey key, Child& child, Time now)
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
