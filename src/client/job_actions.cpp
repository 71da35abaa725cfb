#include "client/job_actions.hpp"

#include "client/job_pages.hpp"

#include <algorithm>
#include <limits>

namespace jobrunner {
namespace {

constexpr auto no_limit = std::numeric_limits<std::int64_t>::max();

void count(ActionTally& tally, ActionResult result)
{
    switch (result) {
    case ActionResult::done:
    case ActionResult::requested:
        ++tally.done;
        break;
    case ActionResult::not_found:
        ++tally.not_found;
        break;
    case ActionResult::not_possible:
        ++tally.not_possible;
        break;
    }
}

// The outcome that a job's state lets expect.
ActionOutcome expected(JobAction action, const std::optional<JobRow>& job)
{
    if (!job) {
        return {ActionResult::not_found, "not found"};
    }
    const auto possible = possible_states(action);
    if (std::ranges::find(possible, job->state) == possible.end()) {
        return {ActionResult::not_possible, "it is " + std::string(to_string(job->state))};
    }
    const bool asks_worker = action == JobAction::cancel && job->state == JobState::running;
    return {asks_worker ? ActionResult::requested : ActionResult::done, {}};
}

JobFilter with_states(JobFilter filter, JobAction action)
{
    if (filter.states.empty()) {
        filter.states = meant_states(action);
    }
    return filter;
}

// Calls `visit` with ids, and rows where they are known, of at most job_page_max jobs at once.
using Visit = std::function<void(std::span<const JobId>, std::span<const JobRow>)>;

void visit_selection(Storage& storage, JobAction action, const JobSelection& selection, const Visit& visit)
{
    if (selection.ids.empty()) {
        for_each_page(
            storage, with_states(selection.filter, action), no_limit, [&](std::span<const JobRow> page) {
                std::vector<JobId> ids;
                std::ranges::transform(
                    page, std::back_inserter(ids), [](const JobRow& job) { return job.id; });
                visit(ids, page);
            });
        return;
    }
    const std::span<const JobId> ids = selection.ids;
    for (std::size_t at = 0; at < ids.size(); at += job_page_max) {
        visit(ids.subspan(at, std::min<std::size_t>(job_page_max, ids.size() - at)), {});
    }
}

} // namespace

std::string_view to_string(JobAction action)
{
    switch (action) {
    case JobAction::cancel:
        return "cancel";
    case JobAction::retry:
        return "retry";
    case JobAction::remove:
        return "delete";
    case JobAction::reschedule:
        return "reschedule";
    case JobAction::edit:
        return "edit";
    }
    return {};
}

std::string_view to_string(ActionResult result)
{
    switch (result) {
    case ActionResult::done:
        return "done";
    case ActionResult::requested:
        return "requested";
    case ActionResult::not_found:
        return "not_found";
    case ActionResult::not_possible:
        return "not_possible";
    }
    return {};
}

std::vector<JobState> possible_states(JobAction action)
{
    using enum JobState;
    switch (action) {
    case JobAction::cancel:
        return {available, scheduled, blocked, running, retryable};
    case JobAction::retry:
        return {available, scheduled, retryable, completed, cancelled, dead};
    case JobAction::remove:
        return {available, scheduled, blocked, retryable, completed, cancelled, dead};
    case JobAction::reschedule:
        return {available, scheduled, retryable};
    case JobAction::edit:
        return {available, scheduled, blocked, retryable};
    }
    return {};
}

std::vector<JobState> meant_states(JobAction action)
{
    if (action == JobAction::retry) {
        return {JobState::retryable, JobState::dead};
    }
    return possible_states(action);
}

ActionTally act_on(
    Storage& storage, const JobCommand& command, const JobSelection& selection, const ActedSeen& seen)
{
    ActionTally tally;
    visit_selection(
        storage, command.action, selection, [&](std::span<const JobId> ids, std::span<const JobRow> rows) {
            auto outcomes = storage.act(command, ids);
            for (std::size_t i = 0; i < ids.size(); ++i) {
                count(tally, outcomes[i].result);
                seen({ids[i], i < rows.size() ? std::optional(rows[i]) : std::nullopt,
                    std::move(outcomes[i])});
            }
        });
    return tally;
}

ActionTally try_on(
    Storage& storage, const JobCommand& command, const JobSelection& selection, const ActedSeen& seen)
{
    ActionTally tally;
    visit_selection(
        storage, command.action, selection, [&](std::span<const JobId> ids, std::span<const JobRow> rows) {
            for (std::size_t i = 0; i < ids.size(); ++i) {
                auto job = i < rows.size() ? std::optional(rows[i]) : storage.find(ids[i]);
                auto outcome = expected(command.action, job);
                count(tally, outcome.result);
                seen({ids[i], std::move(job), std::move(outcome)});
            }
        });
    return tally;
}

} // namespace jobrunner
