#include "storage/backend.hpp"

#include "core/error.hpp"

#include <sqlite3.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>

namespace jobrunner::tests {
namespace {

using Database = std::unique_ptr<sqlite3, decltype(&sqlite3_close)>;
using Statement = std::unique_ptr<sqlite3_stmt, decltype(&sqlite3_finalize)>;

// In memory where that can be had: the suite asks what is written, not how fast a disk is.
std::filesystem::path temporary_folder()
{
    const std::filesystem::path memory = "/dev/shm";
    return ::access(memory.c_str(), W_OK) == 0 ? memory : std::filesystem::temp_directory_path();
}

// A folder of its own that goes with it.
class TemporaryFolder {
public:
    TemporaryFolder()
    {
        static std::atomic<int> count{0};
        path_ = temporary_folder() /
            ("jobrunner_storage_" + std::to_string(::getpid()) + "_" + std::to_string(++count));
        std::filesystem::remove_all(path_);
        std::filesystem::create_directory(path_);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    ~TemporaryFolder()
    {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    [[nodiscard]] std::string file() const { return (path_ / "jobs.db").string(); }

private:
    std::filesystem::path path_;
};

DatabaseOptions options_for(const std::string& file)
{
    DatabaseOptions options;
    options.url = "sqlite://" + file;
    return options;
}

// A migrated database, made once and copied for each test.
const TemporaryFolder& migrated()
{
    static const TemporaryFolder folder;
    static const bool made = (open_migrator(options_for(folder.file()))->migrate(std::nullopt), true);
    static_cast<void>(made);
    return folder;
}

Database open_file(const std::string& path)
{
    sqlite3* handle = nullptr;
    const int result = sqlite3_open(path.c_str(), &handle);
    Database database(handle, &sqlite3_close);
    if (result != SQLITE_OK) {
        throw Error(ErrorKind::unreachable, sqlite3_errmsg(handle));
    }
    sqlite3_busy_timeout(handle, 5000);
    return database;
}

// `instant`, a column, moved back.
std::string earlier(const std::string& instant, Milliseconds by)
{
    return "strftime('%Y-%m-%dT%H:%M:%fZ', " + instant + ", '-" + std::to_string(by.count() / 1000) + "." +
        std::to_string(1000 + by.count() % 1000).substr(1) + " seconds')";
}

class SqliteBackend final : public Backend {
public:
    SqliteBackend() : database_(nullptr, &sqlite3_close)
    {
        std::filesystem::copy_file(migrated().file(), folder_.file());
        database_ = open_file(folder_.file());
    }

    DatabaseOptions options() const override { return options_for(folder_.file()); }

    void run_sql(const std::string& sql) override
    {
        char* message = nullptr;
        if (sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, &message) != SQLITE_OK) {
            const std::string text = message;
            sqlite3_free(message);
            throw Error(ErrorKind::refused, text);
        }
    }

    std::vector<std::string> rows(const std::string& sql) override
    {
        sqlite3_stmt* raw = nullptr;
        if (sqlite3_prepare_v2(database_.get(), sql.c_str(), -1, &raw, nullptr) != SQLITE_OK) {
            throw Error(ErrorKind::internal, sqlite3_errmsg(database_.get()));
        }
        const Statement statement(raw, &sqlite3_finalize);
        std::vector<std::string> all;
        while (sqlite3_step(raw) == SQLITE_ROW) {
            all.push_back(joined(raw));
        }
        return all;
    }

    std::string enqueue_by_sql(
        const std::string& kind, const std::string& args, const std::string& on_conflict) override
    {
        try {
            run_sql("INSERT INTO enqueue (kind, args, on_conflict) VALUES ('" + kind + "', '" + args +
                "', nullif('" + on_conflict + "', ''))");
        } catch (const std::exception& refusal) {
            return refusal.what();
        }
        return "";
    }
    void complete_by_sql(const std::string& token, const std::string& result) override
    {
        run_sql("INSERT INTO complete (token, result) VALUES ('" + token + "', '" + result + "')");
    }
    void fail_by_sql(const std::string& token, const std::string& error) override
    {
        run_sql("INSERT INTO fail (token, error) VALUES ('" + token + "', '" + error + "')");
    }

    void end_lease(WorkerId worker) override
    {
        run_sql("UPDATE workers SET lease_until = " + earlier("'now'", std::chrono::seconds(1)) +
            " WHERE id = " + std::to_string(worker));
    }
    void bring_forward(JobId job, Milliseconds by) override
    {
        run_sql("UPDATE jobs SET run_at = " + earlier("run_at", by) +
            ", ready_at = " + earlier("ready_at", by) + " WHERE id = " + std::to_string(job));
    }
    void let_expire(JobId job) override
    {
        run_sql("UPDATE jobs SET expires_at = " + earlier("'now'", std::chrono::seconds(1)) +
            " WHERE id = " + std::to_string(job));
    }
    void age_finished(JobId job, Milliseconds by) override
    {
        const std::string days = std::to_string(std::chrono::duration_cast<std::chrono::days>(by).count());
        for (const auto* table : {"history", "dead_jobs"}) {
            run_sql(std::string("UPDATE ") + table + " SET finished_at = " + earlier("finished_at", by) +
                ", keep_until = date(keep_until, '-" + days + " days') WHERE id = " + std::to_string(job));
        }
    }
    void age_statistics(std::chrono::minutes by) override
    {
        for (const auto* table : {"statistics_log", "statistics"}) {
            run_sql(std::string("UPDATE ") + table + " SET minute = " + earlier("minute", by));
        }
    }
    void age_workers(std::chrono::hours by) override
    {
        run_sql("UPDATE workers SET started_at = " + earlier("started_at", by) + ", heartbeat_at = " +
            earlier("heartbeat_at", by) + ", lease_until = " + earlier("lease_until", by));
    }

private:
    static std::string joined(sqlite3_stmt* statement)
    {
        std::string line;
        for (int i = 0; i < sqlite3_column_count(statement); ++i) {
            const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, i));
            line += (i > 0 ? "|" : "") + std::string(text == nullptr ? "" : text);
        }
        return line;
    }

    TemporaryFolder folder_;
    Database database_;
};

} // namespace

std::unique_ptr<Backend> make_sqlite_backend()
{
    return std::make_unique<SqliteBackend>();
}

} // namespace jobrunner::tests
