// What people look at and decide.

#include "core/job_edit.hpp"
#include "storage/postgres/postgres_storage.hpp"
#include "storage/postgres/queries.hpp"
#include "storage/postgres/rows.hpp"

namespace jobrunner::postgres {
namespace {

std::optional<std::vector<std::string>> state_words(std::span<const JobState> states)
{
    if (states.empty()) {
        return std::nullopt;
    }
    std::vector<std::string> words;
    for (const auto state : states) {
        words.emplace_back(to_string(state));
    }
    return words;
}

std::string_view action_query(JobAction action)
{
    switch (action) {
    case JobAction::cancel:
        return queries::cancel_job;
    case JobAction::retry:
        return queries::retry_job;
    case JobAction::remove:
        return queries::delete_job;
    case JobAction::reschedule:
        return queries::reschedule_job;
    case JobAction::edit:
        return queries::edit_job;
    }
    return {};
}

Params action_params(const JobCommand& command, JobId id)
{
    Params params;
    params.add(id);
    if (command.action == JobAction::reschedule) {
        params.add(command.run_at);
        params.add(command.run_in ? std::optional<std::int64_t>(command.run_in->count()) : std::nullopt);
    } else if (command.action == JobAction::edit) {
        params.add(command.changes);
    }
    return params;
}

ActionOutcome outcome_of(const std::string& word)
{
    if (word == "done") {
        return {ActionResult::done, {}};
    }
    if (word == "requested") {
        return {ActionResult::requested, {}};
    }
    if (word == "not found") {
        return {ActionResult::not_found, word};
    }
    return {ActionResult::not_possible, "it is " + word};
}

} // namespace

std::optional<JobRow> PostgresStorage::find(JobId id)
{
    const auto rows = connection_.read(queries::find_job, Params().add(id));
    return rows.empty() ? std::nullopt : std::optional(job_row(rows[0]));
}

std::vector<JobRow> PostgresStorage::list(const JobFilter& filter)
{
    Params params;
    params.add(state_words(filter.states))
        .add(filter.kind)
        .add(filter.queue)
        .add(filter.tag)
        .add(filter.since);
    params.add(filter.below).add(filter.limit).add(filter.batch);
    std::vector<JobRow> jobs;
    for (const auto& row : connection_.read(queries::list_jobs, params)) {
        jobs.push_back(job_row(row));
    }
    return jobs;
}

std::vector<AttemptRow> PostgresStorage::attempts(JobId id)
{
    std::vector<AttemptRow> attempts;
    for (const auto& row : connection_.read(queries::list_attempts, Params().add(id))) {
        attempts.push_back(attempt_row(row));
    }
    return attempts;
}

std::optional<ProgressRow> PostgresStorage::progress(JobId id)
{
    const auto rows = connection_.read(queries::find_progress, Params().add(id));
    if (rows.empty()) {
        return std::nullopt;
    }
    const auto row = rows.front();
    return ProgressRow{.fence = static_cast<int>(number(row[0])),
        .updated_at = text(row[1]),
        .percent = row[2].is_null() ? std::nullopt : std::optional(row[2].as<double>()),
        .note = maybe_text(row[3]),
        .checkpoint = maybe_text(row[4])};
}

std::vector<OutputRow> PostgresStorage::output(JobId id, int after_fence, int after_sequence)
{
    std::vector<OutputRow> chunks;
    for (const auto& row :
        connection_.read(queries::list_output, Params().add(id).add(after_fence).add(after_sequence))) {
        chunks.push_back({static_cast<int>(number(row[0])), static_cast<int>(number(row[1])), text(row[2]),
            text(row[3]), text(row[4])});
    }
    return chunks;
}

std::vector<QueueRow> PostgresStorage::queues()
{
    std::vector<QueueRow> queues;
    for (const auto& row : connection_.read(queries::list_queues)) {
        queues.push_back(queue_row(row));
    }
    return queues;
}

std::vector<WorkerRow> PostgresStorage::workers()
{
    std::vector<WorkerRow> workers;
    for (const auto& row : connection_.read(queries::list_workers)) {
        workers.push_back(worker_row(row));
    }
    return workers;
}

std::vector<KindStatsRow> PostgresStorage::kind_stats(std::optional<Milliseconds> over_last)
{
    Params params;
    params.add(over_last ? std::optional<std::int64_t>(over_last->count()) : std::nullopt);
    std::vector<KindStatsRow> kinds;
    for (const auto& row : connection_.read(queries::list_kind_stats, params)) {
        kinds.push_back(kind_stats_row(row, 0));
    }
    return kinds;
}

std::vector<MinuteStatsRow> PostgresStorage::minute_stats(Milliseconds over_last, std::chrono::minutes step)
{
    Params params;
    params.add(std::int64_t{over_last.count()})
        .add(std::int64_t{std::chrono::seconds(step).count()})
        .add(minute_stats_max);
    std::vector<MinuteStatsRow> steps;
    for (const auto& row : connection_.read(queries::list_minute_stats, params)) {
        steps.push_back({text(row[0]), text(row[1]), kind_stats_row(row, 2)});
    }
    return steps;
}

std::vector<DeadGroup> PostgresStorage::dead_groups(int limit)
{
    std::vector<DeadGroup> groups;
    for (const auto& row : connection_.read(queries::list_dead_groups, Params().add(limit))) {
        groups.push_back(
            {text(row[0]), text(row[1]), number(row[2]), number(row[3]), text(row[4]), text(row[5])});
    }
    return groups;
}

std::vector<ActionOutcome> PostgresStorage::act(const JobCommand& command, std::span<const JobId> ids)
{
    if (command.action == JobAction::edit) {
        check_changes(command.changes);
    }
    std::vector<ActionOutcome> outcomes;
    for (const JobId id : ids) {
        try {
            connection_.transact([&](Connection::Transaction& tx) {
                tx.run(queries::set_actor, Params().add(command.actor));
                outcomes.push_back(
                    outcome_of(text(tx.run(action_query(command.action), action_params(command, id))[0][0])));
            });
        } catch (const Error& error) {
            // A refused value, such as a unique_key that another job holds by now, concerns this job only.
            if (error.kind() != ErrorKind::refused || command.action == JobAction::edit) {
                throw;
            }
            outcomes.push_back({ActionResult::not_possible, error.what()});
        }
    }
    return outcomes;
}

void PostgresStorage::pause_queue(const std::string& queue, const std::string& actor)
{
    connection_.transact([&](Connection::Transaction& tx) {
        tx.run(queries::set_actor, Params().add(actor));
        tx.run(queries::pause_queue, Params().add(queue));
    });
}

void PostgresStorage::resume_queue(const std::string& queue, const std::string& actor)
{
    connection_.transact([&](Connection::Transaction& tx) {
        tx.run(queries::set_actor, Params().add(actor));
        tx.run(queries::resume_queue, Params().add(queue));
    });
}

void PostgresStorage::set_queue(
    const std::string& queue, std::optional<int> slots, std::optional<int> weight, const std::string& actor)
{
    connection_.transact([&](Connection::Transaction& tx) {
        tx.run(queries::set_actor, Params().add(actor));
        tx.run(queries::set_queue, Params().add(queue).add(slots).add(weight));
    });
}

int PostgresStorage::prune(std::span<const JobState> states, Milliseconds older_than, int limit)
{
    Params params;
    params.add(state_words(states)).add(older_than.count()).add(limit);
    return static_cast<int>(number(connection_.write(queries::prune_jobs, params)[0][0]));
}

} // namespace jobrunner::postgres
