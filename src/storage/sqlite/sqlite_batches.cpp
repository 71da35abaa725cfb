// Batches, and what jobs wait for.

#include "storage/sqlite/queries.hpp"
#include "storage/sqlite/rows.hpp"
#include "storage/sqlite/sqlite_storage.hpp"

namespace jobrunner::sqlite {
namespace {

enum CreateBatchStatement : std::size_t { insert_batch, new_batch_id };
enum SealBatchStatement : std::size_t { find_batch, seal };

} // namespace

std::vector<ParentRow> SqliteStorage::parents(JobId id)
{
    return connection_.read([&] {
        std::vector<ParentRow> parents;
        connection_.statement(queries::list_parents)
            .each(
                [&](const Statement& row) {
                    parents.push_back({row.number(0), row.text(1), row.truth(2), row.maybe_text(3)});
                },
                id);
        return parents;
    });
}

std::optional<WaitFacts> SqliteStorage::wait_facts(JobId id)
{
    return connection_.read([&] {
        std::optional<WaitFacts> facts;
        connection_.statement(queries::find_wait_facts)
            .each(
                [&](const Statement& row) {
                    facts = WaitFacts{.queue_paused = row.truth(0),
                        .workers = row.integer(1),
                        .workers_of_queue = row.integer(2),
                        .workers_of_kind = row.integer(3),
                        .workers_able = row.integer(4),
                        .slots_free = row.integer(5),
                        .requires_labels = parse_texts(row.text(6)),
                        .serial_key = row.maybe_text(7),
                        .turn = row.maybe_number(8),
                        .turn_state = row.maybe_text(9),
                        .ahead = row.number(10),
                        .due = row.truth(11),
                        .held = !row.is_null(12),
                        .limit = row.is_null(13) ? std::nullopt : std::optional(limit_of(row, 13)),
                        .holders = parse_texts(row.text(18))};
                },
                id, ahead_max);
        return facts;
    });
}

BatchId SqliteStorage::create_batch(const NewBatch& batch)
{
    return connection_.write([&] {
        connection_.statement(queries::create_batch, insert_batch)
            .run(batch.name, batch.on_success, batch.on_complete, batch.on_death, batch.parent, batch.sealed);
        BatchId id = 0;
        connection_.statement(queries::create_batch, new_batch_id).each([&](const Statement& row) {
            id = row.number(0);
        });
        return id;
    });
}

bool SqliteStorage::seal_batch(BatchId batch)
{
    return connection_.write([&] {
        bool found = false;
        connection_.statement(queries::seal_batch, find_batch)
            .each([&](const Statement&) { found = true; }, batch);
        if (found) {
            connection_.statement(queries::seal_batch, seal).run(batch);
        }
        return found;
    });
}

std::vector<BatchRow> SqliteStorage::batches(std::optional<BatchId> one, int limit)
{
    return connection_.read([&] {
        std::vector<BatchRow> batches;
        connection_.statement(queries::list_batches)
            .each(
                [&](const Statement& row) {
                    batches.push_back({.id = row.number(0),
                        .name = row.text(1),
                        .parent = row.maybe_number(2),
                        .state = row.text(3),
                        .unfinished = row.number(4),
                        .running = row.number(5),
                        .completed = row.number(6),
                        .cancelled = row.number(7),
                        .dead = row.number(8),
                        .created_at = row.text(9),
                        .sealed_at = row.maybe_text(10),
                        .finished_at = row.maybe_text(11),
                        .succeeded_at = row.maybe_text(12),
                        .died_at = row.maybe_text(13),
                        .eta = row.maybe_text(14),
                        .problem = row.maybe_text(15)});
                },
                one, limit);
        return batches;
    });
}

} // namespace jobrunner::sqlite
