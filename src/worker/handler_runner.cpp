#include "worker/handler_runner.hpp"

#include "core/text.hpp"

#include <typeinfo>

namespace jobrunner {

HandlerRunner::HandlerRunner(std::map<std::string, Handler> handlers, int threads, RunSink& sink)
    : handlers_(std::move(handlers)), sink_(sink)
{
    for (int i = 0; i < threads; ++i) {
        threads_.emplace_back([this](const std::stop_token& stop) { serve(stop); });
    }
}

HandlerRunner::~HandlerRunner()
{
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
    const std::lock_guard lock(mutex_);
    if (const auto run = runs_.find(token.job); run != runs_.end()) {
        run->second.cause = cause;
        run->second.stop.request_stop();
    }
}

void HandlerRunner::kill_all(StopCause cause)
{
    const std::lock_guard lock(mutex_);
    for (auto& [id, run] : runs_) {
        run.cause = cause;
        run.stop.request_stop();
    }
}

RunReport HandlerRunner::call(const ClaimedJob& job, const std::stop_token& stop) const
{
    RunReport report;
    report.end = RunEnd::failed;
    try {
        return handlers_.at(job.kind)(job, stop);
    } catch (const std::exception& error) {
        report.error_class = typeid(error).name();
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
        const ClaimedJob job = std::move(queue_.front());
        queue_.pop_front();
        if (!queue_.empty()) {
            changed_.notify_one();
        }
        const auto token = runs_[job.token.job].stop.get_token();
        lock.unlock();
        RunReport report = call(job, token);
        lock.lock();
        const auto run = runs_.find(job.token.job);
        if (run->second.cause && report.end != RunEnd::succeeded) {
            report.end = run->second.cause == StopCause::cancelled ? RunEnd::cancelled : RunEnd::released;
        }
        runs_.erase(run);
        lock.unlock();
        sink_.done(job.token, std::move(report));
        lock.lock();
    }
}

} // namespace jobrunner
