#include "worker/service_pool.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "worker/service_lines.hpp"
#include "worker/worker_log.hpp"

#include <algorithm>
#include <cstring>

namespace jobrunner {
namespace {

constexpr Milliseconds backoff_min{200};
constexpr Milliseconds backoff_max{60'000};
constexpr int backoff_doublings = 9;

std::string text_of(const std::vector<OutputChunk>& chunks)
{
    std::string text;
    for (const auto& chunk : chunks) {
        text += chunk.bytes;
    }
    return scrub_text(text);
}

std::string last_line_of(const std::string& text)
{
    const auto end = text.find_last_not_of(" \t\r\n");
    if (end == std::string::npos) {
        return {};
    }
    const auto before = text.find_last_of('\n', end);
    const auto begin = before == std::string::npos ? 0 : before + 1;
    return scrub_text(tail_of(std::string_view(text).substr(begin, end - begin + 1), 500));
}

std::string death_of(const ProcessEnded& end)
{
    if (end.end == ProcessEnd::spawn_failed) {
        return end.error;
    }
    if (end.signal == 0) {
        return "it exited with " + std::to_string(end.exit_code);
    }
    const char* name = ::sigabbrev_np(end.signal);
    return "it was killed by " +
        (name != nullptr ? "SIG" + std::string(name) : "signal " + std::to_string(end.signal));
}

bool died_by_itself(const ProcessEnded& end)
{
    return end.end == ProcessEnd::exited || end.end == ProcessEnd::signalled ||
        end.end == ProcessEnd::spawn_failed;
}

RunReport failure(RunEnd end, std::string error_class, std::string error)
{
    RunReport report;
    report.end = end;
    report.error_class = std::move(error_class);
    report.error = std::move(error);
    return report;
}

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
        say_end(one.job.token, failure(how, {}, how == RunEnd::released ? why : ""));
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

void ServicePool::start_children(Time now)
{
    if (gone_ || (start_not_before_ && now < *start_not_before_)) {
        return;
    }
    int living = 0;
    int starting = 0;
    for (const auto& [key, child] : children_) {
        living += child.retiring || child.stopped ? 0 : 1;
        starting += !child.retiring && !child.stopped && child.concurrency == 0 ? 1 : 0;
    }
    // After a failure one child is the probe for all.
    const int demand = held_back_ ? 1 : static_cast<int>(waiting_.size());
    const int most =
        failures_ > 0 ? std::min(living - starting + 1, config_.instances_max) : config_.instances_max;
    while (living < most && (starting < demand || living < config_.instances_min)) {
        Child child;
        child.deadline = now + config_.start_timeout;
        child.idle_since = now;
        children_.emplace(processes_.start(config_), std::move(child));
        ++living;
        ++starting;
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
            const auto job = job_named_early(message.line);
            if (!job || !child.jobs.contains(*job)) {
                throw Error(ErrorKind::refused, "a line of the service is over 1 MiB");
            }
            take(found->first, child,
                {.job = *job, .message = {}, .problem = "a message of the job is over 1 MiB", .is_end = true},
                now);
        } else {
            const auto parsed = parse_service_message(message.line);
            if (const auto* ready = std::get_if<ServiceReady>(&parsed)) {
                child.deadline = child.concurrency == 0 ? std::nullopt : child.deadline;
                child.concurrency = ready->concurrency;
                if (held_back_) {
                    spdlog::info("service_ready_again service={}", log_value(config_.name));
                }
                held_back_ = false;
                start_not_before_.reset();
            } else {
                take(found->first, child, std::get<ServiceJobMessage>(parsed), now);
            }
        }
    } catch (const Error& error) {
        spdlog::warn(
            "service_line_malformed service={} error={}", log_value(config_.name), log_value(error.what()));
        if (child.trouble.empty()) {
            child.trouble = std::string(error.what()) + ": " + scrub_text(message.line.substr(0, 100));
        }
        stop_child(found->first, child, "it wrote a line that is no message");
    }
    pump(now);
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
            end_job(child, found, failure(RunEnd::failed, "MalformedMessage", message.problem), now);
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
    failures_ = 0;
    child.idle_since = now;
    if (run.doom && report.end != RunEnd::succeeded) {
        report = failure(*run.doom, *run.doom == RunEnd::timed_out ? "Timeout" : "",
            *run.doom == RunEnd::timed_out ? "timed out after " + format_duration(run.timeout) : "");
    } else if (!run.malformed.empty() && report.end == RunEnd::succeeded) {
        report = failure(RunEnd::failed, "MalformedMessage", run.malformed);
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

void ServicePool::on_input_taken(ProcessKey key, Time now)
{
    if (const auto child = children_.find(key); child != children_.end()) {
        child->second.congested = false;
        pump(now);
    }
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
    static_cast<void>(processes_.write(key, service_shutdown_line())); // the end of its input says the same
    processes_.close_input(key);
}

void ServicePool::stop_child(ProcessKey key, Child& child, std::string reason)
{
    if (!std::exchange(child.stopped, true)) {
        processes_.stop(key, reason);
    }
}

void ServicePool::doom(ProcessKey key, Child& child, Running& run, RunEnd end, Time now)
{
    if (run.doom) {
        return;
    }
    run.doom = end;
    run.deadline = now + config_.process.grace;
    // One that does not read its input is stopped when the grace is over.
    static_cast<void>(processes_.write(key, service_cancel_line(run.token.job)));
    static_cast<void>(child);
}

void ServicePool::stop(const ClaimToken& token, StopCause cause, Time now)
{
    const RunEnd end = cause == StopCause::cancelled ? RunEnd::cancelled : RunEnd::released;
    const auto waits = std::find_if(
        waiting_.begin(), waiting_.end(), [&](const Waiting& one) { return one.job.token == token; });
    if (waits != waiting_.end()) {
        say_end(token, failure(end, {}, {}));
        waiting_.erase(waits);
    }
    for (auto& [key, child] : children_) {
        const auto run = child.jobs.find(token.job);
        if (run != child.jobs.end() && run->second.token == token) {
            doom(key, child, run->second, end, now);
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
    failures_ = 0;
    start_not_before_.reset();
    held_back_ = false;
    if (gone_) {
        give_back_waiting("its service is no longer configured here");
    }
    pump(now);
}

RunReport ServicePool::report_of(const ProcessEnded& end, const Child& child, const Running& run) const
{
    if (run.doom) {
        return failure(*run.doom, *run.doom == RunEnd::timed_out ? "Timeout" : "",
            *run.doom == RunEnd::timed_out ? "timed out after " + format_duration(run.timeout) : "");
    }
    if (end.end == ProcessEnd::lease_lost) {
        return failure(RunEnd::crashed, "LeaseLost", "its worker's lease ended");
    }
    if (end.end == ProcessEnd::supervisor_lost) {
        return failure(RunEnd::crashed, "SupervisorLost", "the process supervisor died, and the job with it");
    }
    if (!child.trouble.empty()) {
        return failure(RunEnd::failed, "MalformedMessage", child.trouble);
    }
    if (!died_by_itself(end)) {
        return failure(RunEnd::released, {}, "its service's process was stopped for another job");
    }
    const std::string said = last_line_of(text_of(end.output));
    auto report = failure(RunEnd::failed, "ServiceCrashed",
        "the service's process died: " + death_of(end) + (said.empty() ? "" : ": " + said));
    report.exit_code = end.signal == 0 ? std::optional(end.exit_code) : std::nullopt;
    report.signal = end.signal != 0 ? std::optional(end.signal) : std::nullopt;
    return report;
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
        auto report = report_of(end, child, run);
        report.output =
            run.output.empty() ? text_of(end.output) : tail_of(run.output, config_.process.output_max);
        report.wrote_live_output = run.wrote_live;
        say_end(run.token, std::move(report));
    }
    const bool by_worker = child.stopped && child.trouble.empty() && child.concurrency > 0;
    const bool in_vain = child.ended == 0 && !child.retiring && !by_worker;
    if (in_vain) {
        note_failure(end, now);
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

void ServicePool::note_failure(const ProcessEnded& end, Time now)
{
    failures_ = std::min(failures_ + 1, backoff_doublings + 1);
    const auto wait = std::min(backoff_min * (1 << (failures_ - 1)), backoff_max);
    start_not_before_ = now + wait;
    const std::string said = last_line_of(text_of(end.output));
    spdlog::error("service_failed service={} failures={} retry_in_ms={} error={} said={}",
        log_value(config_.name), failures_, wait.count(),
        log_value(died_by_itself(end) ? death_of(end) : end.error), log_value(said));
}

// --- time

std::optional<ServicePool::Time> ServicePool::idle_end(const Child& child) const
{
    const bool idle = child.concurrency > 0 && child.jobs.empty() && !child.retiring && !child.stopped;
    const bool spare = static_cast<int>(children_.size()) > config_.instances_min;
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
            doom(key, child, run, RunEnd::timed_out, now);
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
    if (start_not_before_ && *start_not_before_ <= now) {
        start_not_before_.reset();
    }
    pump(now);
}

std::optional<ServicePool::Time> ServicePool::next_due() const
{
    std::optional<Time> next = start_not_before_;
    const auto consider = [&](const std::optional<Time>& other) {
        if (other && (!next || *other < *next)) {
            next = other;
        }
    };
    for (const auto& [key, child] : children_) {
        consider(child.deadline);
        consider(idle_end(child));
        for (const auto& [id, run] : child.jobs) {
            consider(run.deadline);
        }
    }
    return next;
}

} // namespace jobrunner
