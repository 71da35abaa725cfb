// What any worker does for all of them.

#include "storage/postgres/postgres_storage.hpp"
#include "storage/postgres/queries.hpp"
#include "storage/postgres/rows.hpp"

namespace jobrunner::postgres {

int PostgresStorage::promote(int limit)
{
    return static_cast<int>(connection_.write(queries::promote_jobs, Params().add(limit)).affected_rows());
}

int PostgresStorage::pass_gates(int limit)
{
    return static_cast<int>(number(connection_.write(queries::pass_gates, Params().add(limit))[0][0]));
}

int PostgresStorage::expire(int limit)
{
    return static_cast<int>(number(connection_.write(queries::expire_jobs, Params().add(limit))[0][0]));
}

std::vector<AbandonedJob> PostgresStorage::abandoned(int limit)
{
    std::vector<AbandonedJob> jobs;
    connection_.transact([&](Connection::Transaction& tx) {
        jobs.clear();
        tx.run(queries::mark_lost_workers);
        for (const auto& row : tx.run(queries::abandoned_jobs, Params().add(limit))) {
            jobs.push_back(
                {.token = {number(row[0]), static_cast<std::int32_t>(number(row[1])), number(row[2])},
                    .kind = text(row[3]),
                    .attempt = static_cast<int>(number(row[4])),
                    .attempt_limit = static_cast<int>(number(row[5])),
                    .crashes = static_cast<int>(number(row[6])),
                    .retry_delay = Milliseconds(number(row[7]))});
        }
        if (jobs.empty()) {
            tx.run(queries::clear_lost_workers);
        }
    });
    return jobs;
}

void PostgresStorage::tidy(std::span<const Milliseconds> keeps)
{
    std::vector<std::int64_t> lengths;
    for (const auto keep : keeps) {
        lengths.push_back(keep.count());
    }
    // Each by itself: one that must wait for a reader does not stop the others.
    connection_.write(queries::fold_statistics);
    connection_.write(queries::clear_statistics);
    connection_.write(queries::clear_workers);
    connection_.write(queries::clear_cancelled);
    connection_.write(queries::clear_marks);
    connection_.write(queries::clear_schedule_runs);
    connection_.write(queries::clear_windows);
    connection_.write(queries::clear_starts);
    connection_.write(queries::clear_dependencies);
    connection_.write(queries::clear_batches);
    connection_.write(queries::ensure_history_days, Params().add(lengths));
    connection_.write(queries::drop_history_days);
}

} // namespace jobrunner::postgres
