#include "worker/sql_runner.hpp"

#include "core/error.hpp"
#include "core/job_timeout.hpp"
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

SqlAttempt SqlRunner::attempt_of(std::span<const ClaimedJob> jobs)
{
    const std::string& name = jobs.front().kind;
    const KindConfig* kind = find_kind(*config_, name);
    const auto* sql = kind == nullptr ? nullptr : std::get_if<SqlConfig>(&kind->runs);
    if (sql == nullptr) {
        throw Error(ErrorKind::not_found, "kind " + name + " is no longer an SQL kind here");
    }
    SqlAttempt attempt{.jobs = {},
        .is_chunk = kind->chunk.has_value(),
        .statement = sql->statement,
        .role = sql->role,
        .timeout = timeout_of(jobs, kind->policy)};
    for (const auto& job : jobs) {
        attempt.jobs.push_back({job.token, job.args});
    }
    return attempt;
}

void SqlRunner::start(const ClaimedJob& job)
{
    fault_point("sql_claimed");
    try {
        const std::lock_guard lock(mutex_);
        enqueue(attempt_of({&job, 1}));
    } catch (const Error& error) {
        sink_.done(job.token, not_started_report(error));
    }
}

void SqlRunner::start_chunk(const std::vector<ClaimedJob>& jobs)
{
    fault_point("sql_claimed");
    try {
        const std::lock_guard lock(mutex_);
        enqueue(attempt_of(jobs));
    } catch (const Error& error) {
        for (const auto& job : jobs) {
            sink_.done(job.token, not_started_report(error));
        }
    }
}

// `mutex_` is held.
void SqlRunner::enqueue(SqlAttempt attempt)
{
    waiting_.push_back(std::move(attempt));
    const auto busy = busy_ + waiting_.size();
    if (threads_.size() < busy && threads_.size() < static_cast<std::size_t>(sessions_)) {
        threads_.emplace_back([this](const std::stop_token& stop) { serve(stop); });
    }
    changed_.notify_one();
}

void SqlRunner::stop(const ClaimToken& token, StopCause cause)
{
    std::unique_lock lock(mutex_);
    if (const auto running = running_.find({token.job, token.fence}); running != running_.end()) {
        running->second = running->second.value_or(cause);
        return;
    }
    for (auto attempt = waiting_.begin(); attempt != waiting_.end(); ++attempt) {
        if (std::erase_if(attempt->jobs, [&](const SqlAttempt::Job& one) { return one.token == token; }) >
            0) {
            if (attempt->jobs.empty()) {
                waiting_.erase(attempt);
            }
            lock.unlock();
            sink_.done(token, stopped_report(cause));
            return;
        }
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
    for (const auto& attempt : waiting) {
        for (const auto& job : attempt.jobs) {
            sink_.done(job.token, stopped_report(cause));
        }
    }
}

// Of any of its jobs: one that is stopped stops them all.
std::optional<StopCause> SqlRunner::cause_of(const SqlAttempt& attempt)
{
    const std::lock_guard lock(mutex_);
    for (const auto& job : attempt.jobs) {
        const auto found = running_.find({job.token.job, job.token.fence});
        if (found != running_.end() && found->second) {
            return found->second;
        }
    }
    return std::nullopt;
}

SqlResult SqlRunner::attempt_on(SqlSession& session, const SqlAttempt& attempt, const std::stop_token& stop)
{
    fault_point("sql_before_begin");
    try {
        return session.run(attempt, [&] { return stop.stop_requested() || cause_of(attempt).has_value(); });
    } catch (const Error& error) {
        return {.end = SqlEnd::failed, .error = error.what()};
    }
}

void SqlRunner::end(const ClaimToken& token, RunReport report)
{
    {
        const std::lock_guard lock(mutex_);
        running_.erase({token.job, token.fence});
    }
    sink_.done(token, std::move(report));
}

void SqlRunner::run(SqlSession& session, const SqlAttempt& attempt, const std::stop_token& stop)
{
    auto result = attempt_on(session, attempt, stop);
    end(attempt.jobs.front().token,
        report_of(std::move(result), attempt, cause_of(attempt).value_or(StopCause::released)));
}

void SqlRunner::run_chunk(SqlSession& session, const SqlAttempt& attempt, const std::stop_token& stop)
{
    const bool committed = attempt_on(session, attempt, stop).end == SqlEnd::completed;
    for (const auto& job : attempt.jobs) {
        SqlAttempt one = attempt;
        one.jobs = {job};
        if (committed) {
            end(job.token, {});
        } else if (const auto cause = cause_of(one); cause || stop.stop_requested()) {
            end(job.token, stopped_report(cause.value_or(StopCause::released)));
        } else {
            run(session, one, stop);
        }
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
        ++busy_;
        for (const auto& job : attempt.jobs) {
            running_[{job.token.job, job.token.fence}] = std::nullopt;
        }
        lock.unlock();
        if (!session) {
            session = open_sql_session(database_);
        }
        if (attempt.jobs.size() > 1) {
            run_chunk(*session, attempt, stop);
        } else {
            run(*session, attempt, stop);
        }
        lock.lock();
        --busy_;
    }
}

} // namespace jobrunner
