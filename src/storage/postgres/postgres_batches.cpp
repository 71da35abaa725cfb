// Batches, and what jobs wait for.

#include "storage/postgres/postgres_storage.hpp"
#include "storage/postgres/queries.hpp"
#include "storage/postgres/rows.hpp"

namespace jobrunner::postgres {

std::vector<ParentRow> PostgresStorage::parents(JobId id)
{
    std::vector<ParentRow> parents;
    for (const auto& row : connection_.read(queries::list_parents, Params().add(id))) {
        parents.push_back({number(row[0]), text(row[1]), truth(row[2]), maybe_text(row[3])});
    }
    return parents;
}

std::optional<WaitFacts> PostgresStorage::wait_facts(JobId id)
{
    const auto rows = connection_.read(queries::find_wait_facts, Params().add(id).add(ahead_max));
    if (rows.empty()) {
        return std::nullopt;
    }
    const auto row = rows[0];
    return WaitFacts{.queue_paused = truth(row[0]),
        .workers = static_cast<int>(number(row[1])),
        .workers_of_queue = static_cast<int>(number(row[2])),
        .workers_of_kind = static_cast<int>(number(row[3])),
        .workers_able = static_cast<int>(number(row[4])),
        .slots_free = static_cast<int>(number(row[5])),
        .requires_labels = parse_text_array(text(row[6])),
        .serial_key = maybe_text(row[7]),
        .turn = maybe_number(row[8]),
        .turn_state = maybe_text(row[9]),
        .ahead = number(row[10]),
        .due = truth(row[11]),
        .held = !row[12].is_null(),
        .limit = row[13].is_null() ? std::nullopt : std::optional(limit_of(row, 13)),
        .holders = parse_text_array(text(row[18]))};
}

BatchId PostgresStorage::create_batch(const NewBatch& batch)
{
    Params params;
    params.add(batch.name).add(batch.on_success).add(batch.on_complete).add(batch.on_death);
    params.add(batch.parent).add(batch.sealed);
    return number(connection_.write(queries::create_batch, params)[0][0]);
}

bool PostgresStorage::seal_batch(BatchId batch)
{
    return !connection_.write(queries::seal_batch, Params().add(batch)).empty();
}

std::vector<BatchRow> PostgresStorage::batches(std::optional<BatchId> one, int limit)
{
    std::vector<BatchRow> batches;
    for (const auto& row : connection_.read(queries::list_batches, Params().add(one).add(limit))) {
        batches.push_back({.id = number(row[0]),
            .name = text(row[1]),
            .parent = maybe_number(row[2]),
            .state = text(row[3]),
            .unfinished = number(row[4]),
            .running = number(row[5]),
            .completed = number(row[6]),
            .cancelled = number(row[7]),
            .dead = number(row[8]),
            .created_at = text(row[9]),
            .sealed_at = maybe_text(row[10]),
            .finished_at = maybe_text(row[11]),
            .succeeded_at = maybe_text(row[12]),
            .died_at = maybe_text(row[13]),
            .eta = maybe_text(row[14]),
            .problem = maybe_text(row[15])});
    }
    return batches;
}

} // namespace jobrunner::postgres
