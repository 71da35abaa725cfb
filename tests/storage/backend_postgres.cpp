#include "storage/backend.hpp"
#include "storage/postgres_database.hpp"

#include "core/error.hpp"

namespace jobrunner::tests {
namespace {

std::string interval(Milliseconds length)
{
    return "interval '" + std::to_string(length.count()) + " milliseconds'";
}

using IdleDatabases = std::vector<std::unique_ptr<PostgresDatabase>>;

// Making a schema takes far longer than most tests: those that a test has left are emptied and used again.
IdleDatabases& idle_databases(const std::string& url)
{
    // The first one is made here, so that what libpqxx makes on its first use outlives them all.
    static IdleDatabases databases = [&] {
        IdleDatabases first;
        first.push_back(std::make_unique<PostgresDatabase>(url));
        return first;
    }();
    return databases;
}

constexpr const char* empty_everything = R"(
    SET lock_timeout = '2s';
    DO $$
    DECLARE
        one record;
    BEGIN
        FOR one IN
            SELECT relname, relkind FROM pg_class
            WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'S') AND relname <> 'migrations'
        LOOP
            IF one.relkind = 'S' THEN
                EXECUTE format('ALTER SEQUENCE %I RESTART', one.relname);
            ELSIF one.relname ~ '^history_[0-9]{8}$' THEN
                EXECUTE format('DROP TABLE %I', one.relname);
            ELSE
                EXECUTE format('DELETE FROM %I', one.relname);
            END IF;
        END LOOP;
    END $$;
)";

class PostgresBackend final : public Backend {
public:
    explicit PostgresBackend(const std::string& url) : idle_(idle_databases(url))
    {
        if (idle_.empty()) {
            idle_.push_back(std::make_unique<PostgresDatabase>(url));
        }
        database_ = std::move(idle_.back());
        idle_.pop_back();
    }
    ~PostgresBackend() override
    {
        try {
            database_->run_sql(empty_everything);
            idle_.push_back(std::move(database_));
        } catch (const std::exception&) {
            // Somebody still holds a lock in it: the next test gets another one.
        }
    }

    DatabaseOptions options() const override { return database_->options(); }
    void run_sql(const std::string& sql) override { database_->run_sql(sql); }
    std::vector<std::string> rows(const std::string& sql) override { return database_->rows(sql); }

    std::string enqueue_by_sql(
        const std::string& kind, const std::string& args, const std::string& on_conflict) override
    {
        try {
            call("SELECT enqueue(" + quoted(kind) + ", " + quoted(args) + ", on_conflict => nullif(" +
                quoted(on_conflict) + ", ''))");
        } catch (const std::exception& refusal) {
            return refusal.what();
        }
        return "";
    }
    void complete_by_sql(const std::string& token, const std::string& result) override
    {
        call("SELECT complete(" + quoted(token) + ", " + quoted(result) + ")");
    }
    void fail_by_sql(const std::string& token, const std::string& error) override
    {
        call("SELECT fail(" + quoted(token) + ", " + quoted(error) + ")");
    }

    void end_lease(WorkerId worker) override
    {
        run_sql("UPDATE workers SET lease_until = now() - interval '1 second' WHERE id = " +
            std::to_string(worker));
    }
    void bring_forward(JobId job, Milliseconds by) override
    {
        run_sql("UPDATE jobs SET run_at = run_at - " + interval(by) + ", ready_at = ready_at - " +
            interval(by) + " WHERE id = " + std::to_string(job));
    }
    void let_expire(JobId job) override
    {
        run_sql("UPDATE jobs SET expires_at = now() - interval '1 second' WHERE id = " + std::to_string(job));
    }
    void age_finished(JobId job, Milliseconds by) override
    {
        for (const auto* table : {"history", "dead_jobs"}) {
            run_sql(std::string("UPDATE ") + table + " SET finished_at = finished_at - " + interval(by) +
                ", keep_until = (keep_until - " + interval(by) + ")::date WHERE id = " + std::to_string(job));
        }
    }
    void age_statistics(std::chrono::minutes by) override
    {
        for (const auto* table : {"statistics_log", "statistics"}) {
            run_sql(std::string("UPDATE ") + table + " SET minute = minute - " + interval(by));
        }
    }
    void age_workers(std::chrono::hours by) override
    {
        run_sql("UPDATE workers SET started_at = started_at - " + interval(by) +
            ", heartbeat_at = heartbeat_at - " + interval(by) + ", lease_until = lease_until - " +
            interval(by));
    }

private:
    static std::string quoted(const std::string& text)
    {
        std::string out = "'";
        for (const char c : text) {
            out += c;
            out += c == '\'' ? "'" : "";
        }
        return out + "'";
    }

    void call(const std::string& sql)
    {
        const std::string refusal = database_->refusal(sql);
        if (!refusal.empty()) {
            throw Error(ErrorKind::not_possible, refusal);
        }
    }

    IdleDatabases& idle_;
    std::unique_ptr<PostgresDatabase> database_;
};

} // namespace

std::unique_ptr<Backend> make_postgres_backend(const std::string& url)
{
    return std::make_unique<PostgresBackend>(url);
}

} // namespace jobrunner::tests
