// A database of one test's own, seen from outside of Storage.
#pragma once

#include "storage/open_storage.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jobrunner::tests {

// Makes a fresh, migrated database and removes it when it goes. What the suite must do behind Storage's back, such as
// letting time pass, it asks for here in words; each backend says it in its own SQL.
class Backend {
public:
    Backend() = default;
    Backend(const Backend&) = delete;
    Backend& operator=(const Backend&) = delete;
    virtual ~Backend() = default;

    [[nodiscard]] virtual DatabaseOptions options() const = 0;

    // One or more statements on a connection of its own. Table names stand alone, without a schema.
    virtual void run_sql(const std::string& sql) = 0;
    // The rows of one query, columns joined by '|', nulls empty.
    [[nodiscard]] virtual std::vector<std::string> rows(const std::string& sql) = 0;

    // What only applications do, in SQL. Each throws Error where the database refuses it.
    // As an application enqueues; on_conflict may be empty. Returns the refusal, if there was one.
    virtual std::string enqueue_by_sql(
        const std::string& kind, const std::string& args, const std::string& on_conflict) = 0;
    virtual void complete_by_sql(const std::string& token, const std::string& result) = 0;
    virtual void fail_by_sql(const std::string& token, const std::string& error) = 0;

    // --- time
    // The worker's lease ended a second ago.
    virtual void end_lease(WorkerId worker) = 0;
    // The job was to run, and got its place, so much earlier.
    virtual void bring_forward(JobId job, Milliseconds by) = 0;
    // The job's expires_at was a second ago.
    virtual void let_expire(JobId job) = 0;
    // The finished job ended, and is to be kept, so much earlier.
    virtual void age_finished(JobId job, Milliseconds by) = 0;
    // Statistics were gathered so much earlier; whole minutes.
    virtual void age_statistics(std::chrono::minutes by) = 0;
    // Workers came and went so much earlier.
    virtual void age_workers(std::chrono::hours by) = 0;

    [[nodiscard]] std::string row(const std::string& sql)
    {
        auto all = rows(sql);
        return all.empty() ? std::string() : all.front();
    }
};

// "postgres" or "sqlite". Nothing where the environment has no such database; `reason` says why.
[[nodiscard]] std::unique_ptr<Backend> make_backend(std::string_view name, std::string& reason);

[[nodiscard]] std::unique_ptr<Backend> make_postgres_backend(const std::string& url);
[[nodiscard]] std::unique_ptr<Backend> make_sqlite_backend();

} // namespace jobrunner::tests
