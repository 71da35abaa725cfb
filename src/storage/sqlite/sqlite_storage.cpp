// Opening, enqueuing, and a worker's identity.

#include "storage/sqlite/sqlite_storage.hpp"

#include "core/text.hpp"
#include "core/version.hpp"
#include "storage/migrations_data.hpp"
#include "storage/sqlite/queries.hpp"
#include "storage/sqlite/rows.hpp"

#include <algorithm>

namespace jobrunner {

std::unique_ptr<Storage> open_sqlite_storage(const std::string& path, const DatabaseOptions& options)
{
    return std::make_unique<sqlite::SqliteStorage>(path, options);
}

namespace sqlite {
namespace {

enum EnqueueStatement : std::size_t { insert_job, find_holder, meet_holder, derive_key };

std::optional<std::string_view> conflict_word(OnConflict on_conflict)
{
    switch (on_conflict) {
    case OnConflict::refuse:
        return std::nullopt;
    case OnConflict::skip:
        return "skip";
    case OnConflict::replace:
        return "replace";
    case OnConflict::merge:
        return "merge";
    }
    return std::nullopt;
}

std::string_view state_word(WorkerState state)
{
    switch (state) {
    case WorkerState::running:
        return "running";
    case WorkerState::quiet:
        return "quiet";
    case WorkerState::stopping:
        return "stopping";
    }
    return "running";
}

template <typename Values>
std::optional<std::string> some_json(const Values& values)
{
    return values.empty() ? std::nullopt : std::optional(to_json(values));
}

// SQLite would take any bytes; what one backend refuses the other must not keep.
void require_clean_json(std::string_view column, const std::string& json)
{
    const bool suspect = json.find("\\u") != std::string::npos ||
        std::any_of(
            json.begin(), json.end(), [](char c) { return c == '\0' || static_cast<signed char>(c) < 0; });
    if (suspect && scrub_json(json) != json) {
        throw Error(ErrorKind::refused,
            "refused: " + std::string(column) +
                " holds a NUL, half a surrogate pair, or bytes that are no UTF-8");
    }
}

// Runs a statement whose parameters are those of enqueue_jobs.
int run_enqueue(Statement& statement, const NewJob& job, OnConflict on_conflict)
{
    return statement.run(scrub_text(job.kind), job.args, job.queue, job.priority, job.run_at, job.run_in,
        job.max_attempts, job.timeout, job.expires_at, job.unique_key, job.concurrency_key, job.cost,
        job.serial_key, job.fair_key, some_json(job.requires_labels), job.affinity_key,
        some_json(job.depends_on), job.on_dependency_failure, job.batch_id, some_json(job.tags), job.meta,
        job.traceparent, conflict_word(on_conflict));
}

} // namespace

SqliteStorage::SqliteStorage(const std::string& path, const DatabaseOptions& options)
    : connection_(path, options, Connection::Missing::refuse, {queries::complete_jobs, queries::hold_limited})
{
    check_schema();
}

void SqliteStorage::check_schema()
{
    int newest = 0;
    std::string oldest_binary;
    connection_.read([&] {
        bool there = false;
        connection_.statement(queries::has_migrations).each([&](const Statement& row) {
            there = row.truth(0);
        });
        if (there) {
            connection_.statement(queries::list_migrations).each([&](const Statement& row) {
                newest = row.integer(0);
                oldest_binary = row.text(3);
            });
        }
    });
    if (newest > 0 && is_older(version(), oldest_binary)) {
        throw Error(ErrorKind::outdated,
            "this is jobrunner " + std::string(version()) + ", and the schema in " + connection_.file() +
                " needs jobrunner " + oldest_binary + " or later");
    }
    if (newest < sqlite_migrations().back().number) {
        const std::string lack = newest == 0 ? " has no jobrunner schema" : " has an older schema";
        throw Error(ErrorKind::outdated, connection_.file() + lack + "; run: jobrunner migrate");
    }
}

std::vector<Enqueued> SqliteStorage::enqueue(std::span<const NewJob> jobs, OnConflict on_conflict)
{
    for (const auto& job : jobs) {
        require_clean_json("args", job.args);
        require_clean_json("meta", job.meta.value_or(""));
    }
    return connection_.write([&] {
        std::vector<Enqueued> enqueued;
        enqueued.reserve(jobs.size());
        for (const auto& job : jobs) {
            enqueued.push_back(enqueue_one(job, on_conflict));
        }
        return enqueued;
    });
}

Enqueued SqliteStorage::enqueue_one(const NewJob& given, OnConflict on_conflict)
{
    NewJob job = given;
    if (!job.unique_key) {
        connection_.statement(queries::enqueue_jobs, derive_key)
            .each([&](const Statement& row) { job.unique_key = row.maybe_text(0); }, job.kind, job.args);
    }
    Enqueued enqueued;
    bool is_unfinished = false;
    if (job.unique_key) {
        connection_.statement(queries::enqueue_jobs, find_holder)
            .each(
                [&](const Statement& row) {
                    enqueued = {.id = row.number(0), .existing = true};
                    is_unfinished = row.truth(1);
                },
                *job.unique_key);
    }
    if (enqueued.existing && on_conflict == OnConflict::refuse) {
        throw Error(ErrorKind::refused,
            is_unfinished ? "unique_key is held by an unfinished job"
                          : "unique_key is held by job " + std::to_string(enqueued.id) +
                    ", which was enqueued a short while ago");
    }
    if (!enqueued.existing) {
        run_enqueue(connection_.statement(queries::enqueue_jobs, insert_job), job, on_conflict);
        enqueued.id = connection_.last_id();
    } else if (on_conflict != OnConflict::skip && is_unfinished) {
        run_enqueue(connection_.statement(queries::enqueue_jobs, meet_holder), job, on_conflict);
    }
    return enqueued;
}

void SqliteStorage::register_worker(const WorkerRecord& worker)
{
    connection_.write([&] {
        connection_.statement(queries::register_worker)
            .run(worker.id, worker.lease, worker.pid, worker.slots, worker.name, worker.host, worker.version,
                to_json(worker.labels), to_json(worker.queues), to_json(worker.kinds));
    });
}

void SqliteStorage::publish_kinds(std::span<const KindPolicy> kinds, const std::string& publisher)
{
    connection_.write([&] {
        auto& publish = connection_.statement(queries::publish_kind);
        for (const auto& kind : kinds) {
            std::vector<std::int64_t> delays;
            for (const auto delay : retry_delays(kind.retry)) {
                delays.push_back(delay.count());
            }
            publish.run(kind.kind, kind.max_attempts, to_json(delays), kind.timeout, kind.keep, kind.snooze,
                kind.notify, kind.record_every_attempt, publisher,
                kind.unique ? std::optional(to_json(*kind.unique)) : std::nullopt);
        }
    });
}

bool SqliteStorage::heartbeat(const Heartbeat& heartbeat)
{
    return connection_.write([&] {
        return connection_.statement(queries::heartbeat)
                   .run(heartbeat.worker, state_word(heartbeat.state), heartbeat.running, heartbeat.report) ==
            1;
    });
}

void SqliteStorage::retire_worker(WorkerId worker)
{
    connection_.write([&] { connection_.run_all(queries::retire_worker, worker); });
}

} // namespace sqlite
} // namespace jobrunner
