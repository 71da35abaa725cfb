#include "fake_storage.hpp"

#include "client/job_actions.hpp"
#include "core/error.hpp"

#include <algorithm>

namespace jobrunner::tests {
namespace {

template <typename T>
bool matches(const std::optional<T>& wanted, const T& value)
{
    return !wanted || *wanted == value;
}

bool matches(const JobFilter& filter, const JobRow& job)
{
    const bool state = filter.states.empty() || std::ranges::count(filter.states, job.state) > 0;
    const bool tag = !filter.tag || std::ranges::count(job.tags, *filter.tag) > 0;
    return state && tag && matches(filter.kind, job.kind) && matches(filter.queue, job.queue) &&
        (!filter.since || job.created_at >= *filter.since) && (!filter.below || job.id < *filter.below);
}

} // namespace

JobRow& FakeStorage::add(JobId id, JobState state, const std::string& kind)
{
    JobRow job;
    job.id = id;
    job.state = state;
    job.kind = kind;
    job.queue = "default";
    job.args = "{}";
    job.meta = "{}";
    job.run_at = job.created_at = "2026-01-31T09:00:00.000Z";
    next_id_ = std::max(next_id_, id + 1);
    return jobs[id] = job;
}

std::vector<Enqueued> FakeStorage::enqueue(std::span<const NewJob> new_jobs, OnConflict on_conflict)
{
    if (failing_call == enqueued.size()) {
        throw Error(ErrorKind::refused, "unique_key is held by an unfinished job");
    }
    last_on_conflict = on_conflict;
    enqueued.emplace_back(new_jobs.begin(), new_jobs.end());
    std::vector<Enqueued> added;
    for (const auto& new_job : new_jobs) {
        JobRow& job = add(next_id_, JobState::available, new_job.kind);
        job.args = new_job.args;
        added.push_back({job.id, false});
    }
    return added;
}

std::optional<JobRow> FakeStorage::find(JobId id)
{
    const auto found = jobs.find(id);
    return found == jobs.end() ? std::nullopt : std::optional(found->second);
}

std::vector<JobRow> FakeStorage::list(const JobFilter& filter)
{
    list_limits.push_back(filter.limit);
    std::vector<JobRow> rows;
    for (auto job = jobs.rbegin(); job != jobs.rend() && rows.size() < static_cast<std::size_t>(filter.limit);
         ++job) {
        if (matches(filter, job->second)) {
            rows.push_back(job->second);
        }
    }
    return rows;
}

std::vector<OutputRow> FakeStorage::output(JobId id, int after_fence, int after_sequence)
{
    std::vector<OutputRow> rows;
    for (const auto& chunk : chunks[id]) {
        if (std::pair(chunk.fence, chunk.sequence) > std::pair(after_fence, after_sequence)) {
            rows.push_back(chunk);
        }
    }
    return rows;
}

std::vector<KindStatsRow> FakeStorage::kind_stats(std::optional<Milliseconds> over_last)
{
    stats_over = over_last;
    return stats_rows;
}

std::vector<DeadGroup> FakeStorage::dead_groups(int limit)
{
    auto rows = dead_rows;
    rows.resize(std::min(rows.size(), static_cast<std::size_t>(limit)));
    return rows;
}

std::vector<ActionOutcome> FakeStorage::act(const JobCommand& command, std::span<const JobId> ids)
{
    commands.push_back(command);
    acted_ids.emplace_back(ids.begin(), ids.end());
    std::vector<ActionOutcome> outcomes;
    for (const JobId id : ids) {
        const auto job = find(id);
        const auto possible = possible_states(command.action);
        if (!job) {
            outcomes.push_back({ActionResult::not_found, "not found"});
        } else if (std::ranges::count(possible, job->state) == 0) {
            outcomes.push_back({ActionResult::not_possible, "it is " + std::string(to_string(job->state))});
        } else {
            const bool asks = command.action == JobAction::cancel && job->state == JobState::running;
            outcomes.push_back({asks ? ActionResult::requested : ActionResult::done, {}});
        }
    }
    return outcomes;
}

void FakeStorage::pause_queue(const std::string& queue, const std::string& actor)
{
    queue_calls.push_back("pause " + queue + " by " + actor);
}

void FakeStorage::resume_queue(const std::string& queue, const std::string& actor)
{
    queue_calls.push_back("resume " + queue + " by " + actor);
}

void FakeStorage::set_queue(
    const std::string& queue, std::optional<int> slots, std::optional<int> weight, const std::string& actor)
{
    queue_calls.push_back("set " + queue + " slots " + std::to_string(slots.value_or(-1)) + " weight " +
        std::to_string(weight.value_or(-1)) + " by " + actor);
}

int FakeStorage::prune(std::span<const JobState> states, Milliseconds, int limit)
{
    pruned_states.assign(states.begin(), states.end());
    const int pruned = std::min(limit, prunable);
    prunable -= pruned;
    return pruned;
}

void FakeStorage::put_schedules(std::span<const NewSchedule> schedules, const std::string& source, bool all)
{
    for (const auto& one : schedules) {
        schedule_calls.push_back("put " + one.name + " as " + source + (all ? " with all" : ""));
        schedule_rows.push_back({one, std::nullopt, std::nullopt, source, std::nullopt});
    }
}

bool FakeStorage::steer(const std::string& verb, const std::string& name, const std::string& actor)
{
    schedule_calls.push_back(verb + " " + name + " by " + actor);
    return std::ranges::any_of(
        schedule_rows, [&](const ScheduleRow& row) { return row.declared.name == name; });
}

bool FakeStorage::pause_schedule(const std::string& name, const std::string& actor)
{
    return steer("pause", name, actor);
}

bool FakeStorage::resume_schedule(const std::string& name, const std::string& actor)
{
    return steer("resume", name, actor);
}

bool FakeStorage::remove_schedule(const std::string& name, const std::string& actor)
{
    return steer("remove", name, actor);
}

JobId FakeStorage::run_schedule(const std::string& name, const std::string& actor)
{
    if (!steer("run", name, actor)) {
        throw Error(ErrorKind::not_found, "schedule \"" + name + "\" is not found");
    }
    return 42;
}

} // namespace jobrunner::tests
