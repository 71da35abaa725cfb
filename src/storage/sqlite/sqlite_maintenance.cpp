// What any worker does for all of them.

#include "storage/sqlite/gates.hpp"
#include "storage/sqlite/queries.hpp"
#include "storage/sqlite/sqlite_storage.hpp"

namespace jobrunner::sqlite {
namespace {

enum ExpireStatement : std::size_t { list_expired, cancel_expired };

// History goes in slices, each a transaction, so that others get at the file in between.
constexpr int slice_rows = 1000;
constexpr int slices_max = 20;

} // namespace

int SqliteStorage::promote(int)
{
    return 0;
}

int SqliteStorage::pass_gates(int limit)
{
    return connection_.write([&] { return judge_gates(connection_, limit); });
}

int SqliteStorage::expire(int limit)
{
    return connection_.write([&] {
        std::vector<JobId> ids;
        connection_.statement(queries::expire_jobs, list_expired)
            .each([&](const Statement& row) { ids.push_back(row.number(0)); }, limit);
        for (const JobId id : ids) {
            connection_.statement(queries::expire_jobs, cancel_expired).run(id);
        }
        return static_cast<int>(ids.size());
    });
}

std::vector<AbandonedJob> SqliteStorage::abandoned(int limit)
{
    return connection_.write([&] {
        std::vector<AbandonedJob> jobs;
        connection_.statement(queries::mark_lost_workers).run();
        connection_.statement(queries::abandoned_jobs)
            .each(
                [&](const Statement& row) {
                    jobs.push_back({.token = {row.number(0), row.integer(1), row.number(2)},
                        .kind = row.text(3),
                        .attempt = row.integer(4),
                        .attempt_limit = row.integer(5),
                        .crashes = row.integer(6),
                        .retry_delay = row.length(7)});
                },
                limit);
        if (jobs.empty()) {
            connection_.run_all(queries::clear_lost_workers);
        }
        return jobs;
    });
}

void SqliteStorage::tidy(std::span<const Milliseconds>)
{
    connection_.write([&] {
        connection_.statement(queries::clear_statistics).run();
        connection_.run_all(queries::clear_workers);
        connection_.run_all(queries::clear_cancelled);
        connection_.statement(queries::clear_marks).run();
        connection_.statement(queries::clear_schedule_runs).run();
        connection_.statement(queries::clear_windows).run();
        connection_.statement(queries::clear_starts).run();
        connection_.statement(queries::clear_dependencies).run();
        connection_.run_all(queries::clear_batches);
    });
    int gone = slice_rows;
    for (int slice = 0; slice < slices_max && gone == slice_rows; ++slice) {
        gone = connection_.write(
            [&] { return connection_.statement(queries::drop_history_days).run(slice_rows); });
    }
}

} // namespace jobrunner::sqlite
