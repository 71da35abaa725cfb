// The requests about jobs.
#include "web/web_app.hpp"

#include "client/job_lines.hpp"
#include "client/job_log.hpp"
#include "client/read_number.hpp"
#include "client/row_json.hpp"
#include "core/error.hpp"
#include "core/json_text.hpp"
#include "core/text.hpp"
#include "web/bulk_step.hpp"
#include "web/json_body.hpp"
#include "web/json_list.hpp"
#include "web/query_text.hpp"

#include <algorithm>

namespace jobrunner {
namespace {

constexpr int list_limit_max = 500;
constexpr std::size_t listed_bytes_max = 2000;
constexpr std::size_t log_bytes_max = 1024 * 1024;
constexpr std::size_t enqueued_max = 500;

// A list shows what jobs are about; the rest is for those who ask for one.
void shorten(JobRow& job)
{
    job.args = job.args.size() > listed_bytes_max ? "null" : std::move(job.args);
    job.meta = job.meta.size() > listed_bytes_max ? "null" : std::move(job.meta);
    job.result.reset();
    job.output.reset();
    if (job.error) {
        job.error = std::string(head_of(*job.error, listed_bytes_max));
    }
}

[[noreturn]] void no_such_job(JobId id)
{
    throw Error(ErrorKind::not_found, "job " + std::to_string(id) + " is not found");
}

OnConflict read_on_conflict(const WebRequest& request)
{
    const auto word = parameter(request, "on_conflict").value_or("refuse");
    constexpr std::pair<std::string_view, OnConflict> words[] = {{"refuse", OnConflict::refuse},
        {"skip", OnConflict::skip}, {"replace", OnConflict::replace}, {"merge", OnConflict::merge}};
    for (const auto& [name, on_conflict] : words) {
        if (name == word) {
            return on_conflict;
        }
    }
    throw Error(
        ErrorKind::usage, "on_conflict: is \"" + word + "\"; refuse, skip, replace or merge was expected");
}

std::vector<NewJob> read_new_jobs(std::string_view body)
{
    check_json(body, "the body");
    std::vector<NewJob> jobs;
    if (json_type(body) != JsonType::array) {
        jobs.push_back(parse_job_line(body, {}));
        return jobs;
    }
    const auto elements = json_elements(body);
    if (elements.empty() || elements.size() > enqueued_max) {
        throw Error(ErrorKind::usage, "the body: an array of 1 to 500 jobs was expected");
    }
    for (std::size_t i = 0; i < elements.size(); ++i) {
        try {
            jobs.push_back(parse_job_line(elements[i], {}));
        } catch (const Error& error) {
            throw Error(error.kind(), "job " + std::to_string(i + 1) + ": " + error.what());
        }
    }
    return jobs;
}

// The last parts that fit.
std::span<const OutputRow> last_parts(std::span<const OutputRow> parts)
{
    std::size_t bytes = 0;
    std::size_t first = parts.size();
    while (first > 0 && bytes + parts[first - 1].body.size() <= log_bytes_max) {
        bytes += parts[--first].body.size();
    }
    return parts.subspan(first == parts.size() && first > 0 ? first - 1 : first);
}

} // namespace

WebAnswer WebApp::list_jobs(const Call& call) const
{
    const auto filter = read_filter(call.request, parts_.now(), list_limit_max);
    auto jobs = parts_.reads.take()->list(filter);
    JsonList list;
    for (auto& job : jobs) {
        shorten(job);
        redaction_.apply(job);
        list.add(to_json(job, JsonIds::texts));
    }
    const bool more = jobs.size() == static_cast<std::size_t>(filter.limit);
    return list_answer(list.str(), more ? '"' + std::to_string(jobs.back().id) + '"' : "null");
}

WebAnswer WebApp::enqueue_jobs(const Call& call) const
{
    check_parameters(call.request, {"on_conflict"});
    const auto on_conflict = read_on_conflict(call.request);
    const auto jobs = read_new_jobs(call.request.body);
    JsonList list;
    for (const auto& added : parts_.writes.take()->enqueue(jobs, on_conflict)) {
        list.add(JsonObject(JsonIds::texts).id("id", added.id).flag("existing", added.existing));
    }
    parts_.snapshots.hurry();
    return list_answer(list.str());
}

WebAnswer WebApp::act_on_jobs(const Call& call) const
{
    check_parameters(call.request, {});
    auto step = read_bulk_step(call.request.body, call.visitor.actor, parts_.now());
    if (step.command.action == JobAction::remove && call.visitor.scope < WebScope::admin) {
        return problem_answer(403, "the scope admin was expected, since deleted jobs do not come back");
    }
    const bool changes = !step.dry_run;
    const auto storage = changes ? parts_.writes.take() : parts_.reads.take();
    const auto result = take_bulk_step(*storage, std::move(step));
    if (changes) {
        parts_.snapshots.hurry();
    }
    JsonObject object(JsonIds::texts);
    object.number("done", result.tally.done)
        .number("not_found", result.tally.not_found)
        .number("not_possible", result.tally.not_possible)
        .maybe_text("problem", result.problem.empty() ? std::nullopt : std::optional(result.problem))
        .id("next", result.next);
    return {.body = object.str()};
}

WebAnswer WebApp::show_job(const Call& call) const
{
    check_parameters(call.request, {});
    const auto storage = parts_.reads.take();
    auto job = storage->find(call.id);
    if (!job) {
        no_such_job(call.id);
    }
    redaction_.apply(*job);
    auto progress = storage->progress(call.id);
    if (progress && progress->checkpoint) {
        progress->checkpoint = redaction_.applied(*progress->checkpoint);
    }
    auto object = to_json(*job, JsonIds::texts);
    object.raw("progress", progress ? to_json(*progress).str() : "null");
    return {.body = object.str()};
}

WebAnswer WebApp::list_attempts(const Call& call) const
{
    check_parameters(call.request, {});
    JsonList list;
    for (const auto& attempt : parts_.reads.take()->attempts(call.id)) {
        list.add(to_json(attempt, JsonIds::texts));
    }
    return list_answer(list.str());
}

WebAnswer WebApp::explain(const Call& call) const
{
    check_parameters(call.request, {});
    const auto storage = parts_.reads.take();
    const auto job = storage->find(call.id);
    if (!job) {
        throw Error(ErrorKind::not_found, "job " + std::to_string(call.id) + " is not found");
    }
    const auto parents = storage->parents(call.id);
    std::string list = "[";
    for (const auto& parent : parents) {
        JsonObject one(JsonIds::texts);
        one.id("id", parent.id).text("state", parent.state).flag("met", parent.met);
        list += (list.size() > 1 ? "," : "") + one.str();
    }
    auto answer = to_json(*job, explain_job(*job, storage->wait_facts(call.id), parents), JsonIds::texts);
    return {.body = answer.raw("depends_on", list + "]").str()};
}

WebAnswer WebApp::read_log(const Call& call) const
{
    check_parameters(call.request, {});
    const auto storage = parts_.reads.take();
    JobLog log(*storage, call.id);
    const auto parts = log.read();
    JsonList list;
    for (const auto& part : last_parts(parts)) {
        list.add(to_json(part));
    }
    JsonObject object;
    object.raw("items", list.str()).raw("next", "null").flag("at_end", log.at_end());
    return {.body = object.str()};
}

WebAnswer WebApp::act_on_one(const Call& call, JobCommand command) const
{
    check_parameters(call.request, {});
    command.actor = call.visitor.actor;
    const auto outcome = parts_.writes.take()->act(command, std::span(&call.id, 1)).at(0);
    if (outcome.result == ActionResult::not_found) {
        no_such_job(call.id);
    }
    if (outcome.result == ActionResult::not_possible) {
        throw Error(ErrorKind::not_possible,
            "job " + std::to_string(call.id) + ": " + outcome.message + ", so this is not possible");
    }
    parts_.snapshots.hurry();
    return {.body = JsonObject().text("result", to_string(outcome.result)).str()};
}

WebAnswer WebApp::cancel_job(const Call& call) const
{
    JsonBody(call.request.body, "the body").refuse_unknown();
    return act_on_one(call, {.action = JobAction::cancel});
}

WebAnswer WebApp::retry_job(const Call& call) const
{
    JsonBody(call.request.body, "the body").refuse_unknown();
    return act_on_one(call, {.action = JobAction::retry});
}

WebAnswer WebApp::delete_job(const Call& call) const
{
    JsonBody(call.request.body, "the body").refuse_unknown();
    return act_on_one(call, {.action = JobAction::remove});
}

WebAnswer WebApp::reschedule_job(const Call& call) const
{
    JsonBody body(call.request.body, "the body");
    JobCommand command{.action = JobAction::reschedule};
    if (const auto at = body.text("run_at")) {
        command.run_at = read_instant(*at, "run_at");
    }
    if (const auto in = body.text("run_in")) {
        command.run_in = read_length(*in, "run_in");
    }
    body.refuse_unknown();
    if (command.run_at.has_value() == command.run_in.has_value()) {
        throw Error(ErrorKind::usage, "run_at, run_in: one of them was expected");
    }
    return act_on_one(call, std::move(command));
}

WebAnswer WebApp::edit_job(const Call& call) const
{
    check_json_object(call.request.body, "the body");
    return act_on_one(call, {.action = JobAction::edit, .changes = call.request.body});
}

} // namespace jobrunner
