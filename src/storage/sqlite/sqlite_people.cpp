// What people look at and decide.

#include "core/job_edit.hpp"
#include "storage/sqlite/queries.hpp"
#include "storage/sqlite/rows.hpp"
#include "storage/sqlite/sqlite_storage.hpp"

namespace jobrunner::sqlite {
namespace {

// The statements of prune_jobs.
enum PruneStatement { prune_edges, prune_dead, prune_history };

// Each action's block: what it will come to, then the action.
enum ActionStatement : std::size_t { foresee, carry_out };

std::optional<std::string> state_words(std::span<const JobState> states)
{
    std::vector<std::string> words;
    for (const auto state : states) {
        words.emplace_back(to_string(state));
    }
    return words.empty() ? std::nullopt : std::optional(to_json(words));
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

void carry(Statement& statement, const JobCommand& command, JobId id)
{
    const std::optional<std::string> actor =
        command.actor.empty() ? std::nullopt : std::optional(command.actor);
    if (command.action == JobAction::reschedule) {
        statement.run(id, actor, command.run_at, command.run_in);
    } else if (command.action == JobAction::edit) {
        statement.run(id, actor, command.changes);
    } else {
        statement.run(id, actor);
    }
}

// `word` as the first statement of an action's block says it; none: there is no such job.
ActionOutcome outcome_of(const std::optional<std::string>& word)
{
    if (!word) {
        return {ActionResult::not_found, "not found"};
    }
    if (*word == "done") {
        return {ActionResult::done, {}};
    }
    if (*word == "requested") {
        return {ActionResult::requested, {}};
    }
    return {ActionResult::not_possible, "it is " + *word};
}

} // namespace

std::optional<JobRow> SqliteStorage::find(JobId id)
{
    return connection_.read([&] {
        std::optional<JobRow> job;
        connection_.statement(queries::find_job).each([&](const Statement& row) { job = job_row(row); }, id);
        return job;
    });
}

std::vector<JobRow> SqliteStorage::list(const JobFilter& filter)
{
    return connection_.read([&] {
        std::vector<JobRow> jobs;
        connection_.statement(queries::list_jobs)
            .each([&](const Statement& row) { jobs.push_back(job_row(row)); }, state_words(filter.states),
                filter.kind, filter.queue, filter.tag, filter.since, filter.below, filter.limit,
                filter.batch);
        return jobs;
    });
}

std::vector<AttemptRow> SqliteStorage::attempts(JobId id)
{
    return connection_.read([&] {
        std::vector<AttemptRow> attempts;
        connection_.statement(queries::list_attempts)
            .each([&](const Statement& row) { attempts.push_back(attempt_row(row)); }, id);
        return attempts;
    });
}

std::optional<ProgressRow> SqliteStorage::progress(JobId id)
{
    return connection_.read([&] {
        std::optional<ProgressRow> found;
        connection_.statement(queries::find_progress)
            .each(
                [&](const Statement& row) {
                    found = ProgressRow{.fence = row.integer(0),
                        .updated_at = row.text(1),
                        .percent = row.is_null(2) ? std::nullopt : std::optional(row.real(2)),
                        .note = row.maybe_text(3),
                        .checkpoint = row.maybe_text(4)};
                },
                id);
        return found;
    });
}

std::vector<OutputRow> SqliteStorage::output(JobId id, int after_fence, int after_sequence)
{
    return connection_.read([&] {
        std::vector<OutputRow> chunks;
        connection_.statement(queries::list_output)
            .each(
                [&](const Statement& row) {
                    chunks.push_back({row.integer(0), row.integer(1), row.text(2), row.text(3), row.text(4)});
                },
                id, after_fence, after_sequence);
        return chunks;
    });
}

std::vector<QueueRow> SqliteStorage::queues()
{
    return connection_.read([&] {
        std::vector<QueueRow> queues;
        connection_.statement(queries::list_queues).each([&](const Statement& row) {
            queues.push_back(queue_row(row));
        });
        return queues;
    });
}

std::vector<WorkerRow> SqliteStorage::workers()
{
    return connection_.read([&] {
        std::vector<WorkerRow> workers;
        connection_.statement(queries::list_workers).each([&](const Statement& row) {
            workers.push_back(worker_row(row));
        });
        return workers;
    });
}

std::vector<KindStatsRow> SqliteStorage::kind_stats(std::optional<Milliseconds> over_last)
{
    return connection_.read([&] {
        std::vector<KindStatsRow> kinds;
        connection_.statement(queries::list_kind_stats)
            .each([&](const Statement& row) { kinds.push_back(kind_stats_row(row)); }, over_last);
        return kinds;
    });
}

std::vector<MinuteStatsRow> SqliteStorage::minute_stats(Milliseconds over_last, std::chrono::minutes step)
{
    return connection_.read([&] {
        std::vector<MinuteStatsRow> steps;
        connection_.statement(queries::list_minute_stats)
            .each(
                [&](const Statement& row) {
                    steps.push_back({row.text(0), row.text(1), kind_stats_row(row, 2)});
                },
                over_last, std::int64_t{std::chrono::seconds(step).count()}, minute_stats_max);
        return steps;
    });
}

std::vector<DeadGroup> SqliteStorage::dead_groups(int limit)
{
    return connection_.read([&] {
        std::vector<DeadGroup> groups;
        connection_.statement(queries::list_dead_groups)
            .each(
                [&](const Statement& row) {
                    groups.push_back(
                        {row.text(0), row.text(1), row.number(2), row.number(3), row.text(4), row.text(5)});
                },
                limit);
        return groups;
    });
}

std::vector<ActionOutcome> SqliteStorage::act(const JobCommand& command, std::span<const JobId> ids)
{
    if (command.action == JobAction::edit) {
        check_changes(command.changes);
    }
    return connection_.write([&] {
        std::vector<ActionOutcome> outcomes;
        for (const JobId id : ids) {
            outcomes.push_back(act_on(command, id));
        }
        return outcomes;
    });
}

// A refused statement undoes itself and leaves the transaction as it was.
ActionOutcome SqliteStorage::act_on(const JobCommand& command, JobId id)
{
    const auto query = action_query(command.action);
    std::optional<std::string> word;
    connection_.statement(query, foresee).each([&](const Statement& row) { word = row.text(0); }, id);
    const ActionOutcome outcome = outcome_of(word);
    if (outcome.result != ActionResult::done && outcome.result != ActionResult::requested) {
        return outcome;
    }
    try {
        carry(connection_.statement(query, carry_out), command, id);
    } catch (const Error& error) {
        // A refused value, such as a unique_key that another job holds by now, concerns this job only.
        if (error.kind() != ErrorKind::refused || command.action == JobAction::edit) {
            throw;
        }
        return {ActionResult::not_possible, error.what()};
    }
    return outcome;
}

void SqliteStorage::pause_queue(const std::string& queue, const std::string& actor)
{
    connection_.write([&] { connection_.statement(queries::pause_queue).run(queue, actor); });
}

void SqliteStorage::resume_queue(const std::string& queue, const std::string& actor)
{
    connection_.write([&] { connection_.statement(queries::resume_queue).run(queue, actor); });
}

void SqliteStorage::set_queue(
    const std::string& queue, std::optional<int> slots, std::optional<int> weight, const std::string& actor)
{
    connection_.write([&] { connection_.run_all(queries::set_queue, queue, slots, weight, actor); });
}

int SqliteStorage::prune(std::span<const JobState> states, Milliseconds older_than, int limit)
{
    const auto words = state_words(states).value_or("[]");
    return connection_.write([&] {
        connection_.statement(queries::prune_jobs, prune_edges).run(words, older_than, limit);
        const int dead = connection_.statement(queries::prune_jobs, prune_dead).run(words, older_than, limit);
        return dead +
            connection_.statement(queries::prune_jobs, prune_history).run(words, older_than, limit - dead);
    });
}

} // namespace jobrunner::sqlite
