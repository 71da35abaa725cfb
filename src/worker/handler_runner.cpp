#include "worker/handler_runner.hpp"

#include "core/text.hpp"
#include "executor/boot_clock.hpp"
#include "worker/worker_log.hpp"

#include <cxxabi.h>

#include <cstdlib>
#include <typeinfo>

namespace jobrunner {
namespace {

using std::chrono::nanoseconds;
using std::chrono::steady_clock;

// How late a timeout may be noticed. A handler looks at its stop token by itself, so finer would be of no use.
constexpr nanoseconds tick{std::chrono::milliseconds(100)};

nanoseconds boot_time_now()
{
    return BootClock::now().time_since_epoch();
}

RunEnd end_of(StopCause cause)
{
    return cause == StopCause::cancelled ? RunEnd::cancelled : RunEnd::released;
}

void exit_process(const ClaimedJob& job)
{
    log_job(spdlog::level::critical, "handler_outlived_its_lease", job.token, job.kind, job.attempt);
    spdlog::default_logger()->flush();
    // Nothing is cleaned up: the handler's thread may be anywhere.
    std::_Exit(EXIT_FAILURE);
}

} // namespace

std::string class_name(const std::exception& error)
{
    const char* name = typeid(error).name();
    int status = 0;
    const std::unique_ptr<char, decltype(&std::free)> plain(
        abi::__cxa_demangle(name, nullptr, nullptr, &status), &std::free);
    return status == 0 ? plain.get() : name;
}

void HandlerRunner::Run::end_as(RunEnd end)
{
    if (stopped_as == RunEnd::succeeded) {
        stopped_as = end;
    }
    stop.request_stop();
}

HandlerRunner::HandlerRunner(
    std::map<std::string, HandlerKind> kinds, int threads, RunSink& sink, Overrun on_overrun)
    : kinds_(std::move(kinds)), sink_(sink), on_overrun_(on_overrun ? std::move(on_overrun) : exit_process)
{
    clock_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
    for (int i = 0; i < threads; ++i) {
        threads_.emplace_back([this](const std::stop_token& stop) { serve(stop); });
    }
}

HandlerRunner::~HandlerRunner()
{
    kill_all(StopCause::released);
    for (auto& thread : threads_) {
        thread.request_stop();
    }
    threads_.clear();
}

void HandlerRunner::start(const ClaimedJob& job)
{
    const std::lock_guard lock(mutex_);
    queue_.push_back(job);
    if (queue_.size() == 1) {
        changed_.notify_one();
    }
}

void HandlerRunner::stop(const ClaimToken& token, StopCause cause)
{
    const auto end = end_of(cause);
    std::unique_lock lock(mutex_);
    if (const auto run = runs_.find({token.job, token.fence}); run != runs_.end()) {
        run->second.end_as(end);
        return;
    }
    if (std::erase_if(queue_, [&](const ClaimedJob& job) { return job.token == token; }) > 0) {
        lock.unlock();
        report_unstarted(token, end);
    }
}

void HandlerRunner::kill_all(StopCause cause)
{
    const auto end = end_of(cause);
    std::unique_lock lock(mutex_);
    for (auto& [key, run] : runs_) {
        run.end_as(end);
        // A later lease is another worker identity's; it does not cover this claim.
        run.over_by = std::min(run.over_by.value_or(lease_until_), lease_until_);
    }
    ticked_.notify_one();
    const auto waiting = std::exchange(queue_, {});
    lock.unlock();
    for (const auto& job : waiting) {
        report_unstarted(job.token, end);
    }
}

void HandlerRunner::report_unstarted(const ClaimToken& token, RunEnd end)
{
    RunReport report;
    report.end = end;
    sink_.done(token, std::move(report));
}

void HandlerRunner::lease_until(nanoseconds boot_time)
{
    const std::lock_guard lock(mutex_);
    // A worker claims nothing in its lease's last fifth, for the same reason: it could be lost before it is told.
    lease_margin_ = std::max(lease_margin_, (boot_time - boot_time_now()) / 5);
    lease_until_ = boot_time;
}

RunReport HandlerRunner::call(const Run& run) const
{
    RunReport report;
    report.end = RunEnd::failed;
    try {
        return kinds_.at(run.job.kind).run({run.job, run.stop.get_token(), run.deadline});
    } catch (const std::exception& error) {
        report.error_class = class_name(error);
        report.error = scrub_text(error.what());
    } catch (...) {
        report.error = "the handler threw something that is no std::exception";
    }
    return report;
}

void HandlerRunner::serve(const std::stop_token& stop)
{
    std::unique_lock lock(mutex_);
    while (changed_.wait(lock, stop, [this] { return !queue_.empty(); })) {
        ClaimedJob job = std::move(queue_.front());
        queue_.pop_front();
        if (!queue_.empty()) {
            changed_.notify_one();
        }
        const auto token = job.token;
        const auto kind = kinds_.find(job.kind);
        const auto timeout = job.timeout || kind == kinds_.end() ? job.timeout : kind->second.timeout;
        const auto at = runs_.insert_or_assign(RunKey{token.job, token.fence}, Run{std::move(job)}).first;
        if (timeout) {
            at->second.deadline = steady_clock::now() + *timeout;
        }
        lock.unlock();
        RunReport report = call(at->second);
        lock.lock();
        if (at->second.stopped_as != RunEnd::succeeded && report.end != RunEnd::succeeded) {
            report.end = at->second.stopped_as;
        }
        runs_.erase(at);
        lock.unlock();
        sink_.done(token, std::move(report));
        lock.lock();
    }
}

void HandlerRunner::watch(const std::stop_token& stop)
{
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
        const auto wait = look_at_clocks();
        ticked_.wait_for(lock, stop, wait, [] { return false; });
    }
}

nanoseconds HandlerRunner::look_at_clocks()
{
    const auto now = steady_clock::now();
    const auto boot = boot_time_now();
    auto wait = tick;
    for (auto& [key, run] : runs_) {
        if (run.deadline && now >= *run.deadline) {
            run.end_as(RunEnd::timed_out);
        }
        const auto over_by = run.over_by.value_or(lease_until_);
        if (over_by == nanoseconds::max()) {
            continue;
        }
        if (boot >= over_by) {
            on_overrun_(run.job);
        } else if (boot + lease_margin_ >= over_by) {
            run.end_as(RunEnd::released);
            wait = std::min(wait, over_by - boot);
        }
    }
    return wait;
}

} // namespace jobrunner
