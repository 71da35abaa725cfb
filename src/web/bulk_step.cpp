#include "web/bulk_step.hpp"

#include "client/check_job.hpp"
#include "client/read_number.hpp"
#include "core/error.hpp"
#include "web/json_body.hpp"
#include "web/query_text.hpp"

#include <algorithm>

namespace jobrunner {
namespace {

void read_run_time(JsonBody& body, JobCommand& command)
{
    if (const auto at = body.text("run_at")) {
        command.run_at = read_instant(*at, "run_at");
    }
    if (const auto in = body.text("run_in")) {
        command.run_in = read_length(*in, "run_in");
    }
    const int times = (command.run_at ? 1 : 0) + (command.run_in ? 1 : 0);
    if (times != (command.action == JobAction::reschedule ? 1 : 0)) {
        throw Error(ErrorKind::usage, "run_at, run_in: one of them was expected, with reschedule alone");
    }
}

JobFilter read_filter_object(std::string_view json, TimePoint now)
{
    JsonBody body(json, "filter");
    JobFilter filter;
    for (const auto& word : body.texts("state").value_or(std::vector<std::string>{})) {
        for (const auto state : read_states(word, "filter.state")) {
            filter.states.push_back(state);
        }
    }
    for (const auto& [name, into] :
        {std::pair{"kind", &filter.kind}, std::pair{"queue", &filter.queue}, std::pair{"tag", &filter.tag}}) {
        *into = body.text(name);
        if (*into) {
            check_name(**into, std::string("filter.") + name);
        }
    }
    if (const auto batch = body.text("batch")) {
        filter.batch = read_job_id(*batch, "filter.batch");
    }
    if (const auto since = body.text("since")) {
        filter.since = read_since(*since, "filter.since", now);
    }
    body.refuse_unknown();
    return filter;
}

void read_selection(JsonBody& body, BulkStep& step, TimePoint now)
{
    const auto ids = body.texts("ids");
    const auto filter = body.object("filter");
    if (ids.has_value() == filter.has_value()) {
        throw Error(ErrorKind::usage, "ids, filter: one of them was expected");
    }
    if (ids && (ids->empty() || ids->size() > static_cast<std::size_t>(bulk_step_max))) {
        throw Error(ErrorKind::usage, "ids: 1 to 500 of them were expected");
    }
    for (const auto& id : ids.value_or(std::vector<std::string>{})) {
        step.selection.ids.push_back(read_job_id(id, "ids"));
    }
    step.by_filter = filter.has_value();
    if (filter) {
        step.selection.filter = read_filter_object(*filter, now);
        if (step.selection.filter.states.empty()) {
            step.selection.filter.states = meant_states(step.command.action);
        }
    }
    step.selection.filter.limit = bulk_step_max;
    if (const auto limit = body.text_or_number("limit")) {
        step.selection.filter.limit = read_int(*limit, "limit", {1, bulk_step_max});
    }
    if (const auto below = body.text_or_number("below")) {
        step.selection.filter.below = read_job_id(*below, "below");
    }
}

bool is_possible(JobAction action, JobState state)
{
    const auto states = possible_states(action);
    return std::ranges::find(states, state) != states.end();
}

// What a dry run by filter comes to, from the rows alone.
ActionTally foreseen(JobAction action, const std::vector<JobRow>& page)
{
    ActionTally tally;
    for (const auto& job : page) {
        ++(is_possible(action, job.state) ? tally.done : tally.not_possible);
    }
    return tally;
}

} // namespace

JobAction read_action(std::string_view word)
{
    for (const auto action :
        {JobAction::cancel, JobAction::retry, JobAction::remove, JobAction::reschedule}) {
        if (word == to_string(action)) {
            return action;
        }
    }
    throw Error(ErrorKind::usage,
        "action: is \"" + std::string(word) + "\"; cancel, retry, delete or reschedule was expected");
}

BulkStep read_bulk_step(std::string_view json, const std::string& actor, TimePoint now)
{
    JsonBody body(json, "the body");
    BulkStep step;
    step.command.action = read_action(body.needed_text("action"));
    step.command.actor = actor;
    step.dry_run = body.flag("dry_run");
    read_run_time(body, step.command);
    read_selection(body, step, now);
    body.refuse_unknown();
    return step;
}

BulkResult take_bulk_step(Storage& storage, BulkStep step)
{
    BulkResult result;
    if (step.by_filter) {
        const auto page = storage.list(step.selection.filter);
        if (page.size() == static_cast<std::size_t>(step.selection.filter.limit)) {
            result.next = page.back().id;
        }
        if (step.dry_run || page.empty()) {
            result.tally = foreseen(step.command.action, page);
            return result;
        }
        std::ranges::transform(page, std::back_inserter(step.selection.ids), &JobRow::id);
    }
    const auto seen = [&](const ActedJob& acted) {
        if (acted.outcome.result == ActionResult::not_possible && result.problem.empty()) {
            result.problem = "job " + std::to_string(acted.id) + ": " + acted.outcome.message;
        }
    };
    result.tally = step.dry_run ? try_on(storage, step.command, step.selection, seen)
                                : act_on(storage, step.command, step.selection, seen);
    return result;
}

} // namespace jobrunner
