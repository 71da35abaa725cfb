#include "worker/sql_runner.hpp"

#include "core/error.hpp"
#include "storage/fault_point.hpp"
#include "worker/run_reports.hpp"

namespace jobrunner {
namespace {

constexpr std::chrono::seconds session_idles_at_most{60};

RunReport report_of(SqlResult result, const SqlAttempt& attempt, std::optional<StopCause> cause)
{
    switch (result.end) {
    case SqlEnd::completed:
        return {}; // The settler finds that the job has settled itself.
    case SqlEnd::timed_out:
        return timed_out_report(attempt.timeout.value_or(Milliseconds{0}));
    case SqlEnd::stopped:
        return stopped_report(cause);
    case SqlEnd::failed_for_good:
        return failed_report(RunEnd::failed_for_good, std::move(result.error_class), std::move(result.error));
    case SqlEnd::failed:
    case SqlEnd::lost:
        break;
    }
    return failed_report(RunEnd::failed, std::move(result.error_class), std::move(result.error));
}

} // namespace

SqlRunner::SqlRunner(
    std::shared_ptr<const Config> config, DatabaseOptions database, int sessions, RunSink& sink)
    : database_(std::move(database)), sessions_(sessions), sink_(sink), config_(std::move(config))
{
}

SqlRunner::~SqlRunner()
{
    for (auto& thread : threads_) {
        thread.request_stop();
    }
    threads_.clear();
}

void SqlRunner::set_config(std::shared_ptr<const Config> config)
{
    const std::lock_guard lock(mutex_);
    config_ = std::move(config);
}

SqlAttempt SqlRunner::attempt_of(const ClaimedJob& job)
{
    const KindConfig* kind = find_kind(*config_, job.kind);
    const auto* sql = kind == nullptr ? nullptr : std::get_if<SqlConfig>(&kind->runs);
    if (sql == nullptr) {
        throw Error(ErrorKind::not_found, "kind " + job.kind + " is no longer an SQL kind here");
    }
    return {.token = job.token,
        .args = job.args,
        .statement = sql->statement,
        .role = sql->role,
        .timeout = job.timeout ? job.timeout : kind->policy.timeout};
}

void SqlRunner::start(const ClaimedJob& job)
{
    fault_point("sql_claimed");
    try {
        const std::lock_guard lock(mutex_);
        waiting_.push_back(attempt_of(job));
        const auto busy = running_.size() + waiting_.size();
        if (threads_.size() < busy && threads_.size() < static_cast<std::size_t>(sessions_)) {
            threads_.emplace_back([this](const std::stop_token& stop) { serve(stop); });
        }
        changed_.notify_one();
    } catch (const Error& error) {
        sink_.done(job.token, not_started_report(error));
    }
}

void SqlRunner::stop(const ClaimToken& token, StopCause cause)
{
    std::unique_lock lock(mutex_);
    if (const auto running = running_.find({token.job, token.fence}); running != running_.end()) {
        running->second = running->second.value_or(cause);
        return;
    }
    if (std::erase_if(waiting_, [&](const SqlAttempt& one) { return one.token == token; }) > 0) {
        lock.unlock();
        sink_.done(token, stopped_report(cause));
    }
}

void SqlRunner::kill_all(StopCause cause)
{
    std::unique_lock lock(mutex_);
    for (auto& [key, stopped_by] : running_) {
        stopped_by = stopped_by.value_or(cause);
    }
    const auto waiting = std::exchange(waiting_, {});
    lock.unlock();
    for (const auto& one : waiting) {
        sink_.done(one.token, stopped_report(cause));
    }
}

std::optional<StopCause> SqlRunner::cause_of(const ClaimToken& token)
{
    const std::lock_guard lock(mutex_);
    const auto found = running_.find({token.job, token.fence});
    return found == running_.end() ? std::nullopt : found->second;
}

RunReport SqlRunner::run(SqlSession& session, const SqlAttempt& attempt, const std::stop_token& stop)
{
    fault_point("sql_before_begin");
    try {
        auto result = session.run(
            attempt, [&] { return stop.stop_requested() || cause_of(attempt.token).has_value(); });
        return report_of(std::move(result), attempt, cause_of(attempt.token).value_or(StopCause::released));
    } catch (const Error& error) {
        return failed_report(RunEnd::failed, {}, error.what());
    }
}

void SqlRunner::serve(const std::stop_token& stop)
{
    std::unique_ptr<SqlSession> session;
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
        if (!changed_.wait_for(lock, stop, session_idles_at_most, [this] { return !waiting_.empty(); })) {
            session.reset();
            continue;
        }
        const SqlAttempt attempt = std::move(waiting_.front());
        waiting_.pop_front();
        running_[{attempt.token.job, attempt.token.fence}] = std::nullopt;
        lock.unlock();
        if (!session) {
            session = open_sql_session(database_);
        }
        RunReport report = run(*session, attempt, stop);
        lock.lock();
        running_.erase({attempt.token.job, attempt.token.fence});
        lock.unlock();
        sink_.done(attempt.token, std::move(report));
        lock.lock();
    }
}

} // namespace jobrunner
