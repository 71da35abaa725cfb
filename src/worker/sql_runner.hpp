#pragma once

#include "storage/sql_session.hpp"
#include "worker/kind_runner.hpp"

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <span>
#include <thread>
#include <utility>
#include <vector>

namespace jobrunner {

// Runs SQL kinds: each job's statement and its completion in one transaction, on a few threads with a session each. They begin
// as jobs need them; a session that has had nothing to do for a minute is closed.
//
// Threads: see JobRunner. The configuration is read at each start; replace it with set_config.
class SqlRunner final : public KindRunner {
public:
    // `sessions`: at most so many statements run at a time; further jobs and chunks wait for one of them.
    SqlRunner(std::shared_ptr<const Config> config, DatabaseOptions database, int sessions, RunSink& sink);
    // Stops what runs, and waits for it.
    ~SqlRunner() override;

    void set_config(std::shared_ptr<const Config> config) override;

    void start(const ClaimedJob& job) override;
    // One statement for all of them. Unless it commits, each is run by itself.
    void start_chunk(const std::vector<ClaimedJob>& jobs) override;
    void stop(const ClaimToken& token, StopCause cause) override;
    void kill_all(StopCause cause) override;
    // A statement that outlives its lease cannot commit once another worker has the job.
    void lease_until(std::chrono::nanoseconds /*boot_time*/) override {}

private:
    using RunKey = std::pair<JobId, int>; // a claim's job and fence

    [[nodiscard]] SqlAttempt attempt_of(std::span<const ClaimedJob> jobs);
    void enqueue(SqlAttempt attempt);
    void serve(const std::stop_token& stop);
    void run(SqlSession& session, const SqlAttempt& attempt, const std::stop_token& stop);
    void run_chunk(SqlSession& session, const SqlAttempt& attempt, const std::stop_token& stop);
    [[nodiscard]] SqlResult attempt_on(
        SqlSession& session, const SqlAttempt& attempt, const std::stop_token& stop);
    void end(const ClaimToken& token, RunReport report);
    [[nodiscard]] std::optional<StopCause> cause_of(const SqlAttempt& attempt);

    const DatabaseOptions database_;
    const int sessions_;
    RunSink& sink_;
    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::shared_ptr<const Config> config_;
    std::deque<SqlAttempt> waiting_;
    std::size_t busy_ = 0;                               // threads with an attempt
    std::map<RunKey, std::optional<StopCause>> running_; // with what stops them
    std::vector<std::jthread> threads_;                  // last: they use the rest
};

} // namespace jobrunner
