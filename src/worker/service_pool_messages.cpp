// What the children of a pool say, and what follows for their jobs.
#include "worker/service_pool.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "worker/run_reports.hpp"
#include "worker/worker_log.hpp"

namespace jobrunner {

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
    ServiceRun& run = child->second.jobs.begin()->second;
    run.wrote_live = true;
    const std::string text = text_of(output.chunks);
    run.keep_output(text, config_.process.output_max);
    words_.emplace_back([token = run.token, text](RunSink& sink) { sink.wrote(token, "error", text); });
}

void ServicePool::on_message(const ProcessMessage& message, Time now)
{
    const auto found = children_.find(message.key);
    if (found == children_.end()) {
        return;
    }
    ServiceChild& child = found->second;
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
    ProcessKey key, ServiceChild& child, const std::string& line, const std::string& problem, Time now)
{
    const auto job = job_named_early(line);
    if (job && child.jobs.contains(*job)) {
        take(key, child, {.job = *job, .message = {}, .problem = problem, .is_end = true}, now);
        return;
    }
    note_trouble(key, child, {"MalformedMessage", problem + ": " + scrub_text(head_of(line, 100))});
}

void ServicePool::on_ready(ServiceChild& child, int concurrency)
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
void ServicePool::note_trouble(ProcessKey key, ServiceChild& child, ServiceTrouble trouble)
{
    if (!child.trouble) {
        child.trouble = std::move(trouble);
    }
    stop_child(key, child, "it is not to be talked to");
}

void ServicePool::take(ProcessKey key, ServiceChild& child, const ServiceJobMessage& message, Time now)
{
    const auto found = child.jobs.find(message.job);
    if (found == child.jobs.end()) {
        spdlog::warn("service_message_stale service={} job_id={}", log_value(config_.name), message.job);
        return;
    }
    ServiceRun& run = found->second;
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
        run.keep_output(line, config_.process.output_max);
        words_.emplace_back([token = run.token, line](RunSink& sink) { sink.wrote(token, "log", line); });
    }
}

void ServicePool::end_job(
    ServiceChild& child, std::map<JobId, ServiceRun>::iterator found, RunReport report, Time now)
{
    ServiceRun run = std::move(found->second);
    child.remove(found);
    ++child.ended;
    backoff_.worked();
    child.idle_since = now;
    if (config_.idle_timeout) {
        plan(now + *config_.idle_timeout);
    }
    say_end(run.token, run.ended(std::move(report), config_.process.output_max));
}

void ServicePool::after_job(ProcessKey key, ServiceChild& child)
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

} // namespace jobrunner
