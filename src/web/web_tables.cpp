// The requests about queues, workers, schedules, dead letters and statistics.
#include "web/web_app.hpp"

#include "client/check_job.hpp"
#include "client/read_limit.hpp"
#include "client/read_number.hpp"
#include "client/row_json.hpp"
#include "core/error.hpp"
#include "web/json_body.hpp"
#include "web/json_list.hpp"
#include "web/query_text.hpp"

namespace jobrunner {
namespace {

const WebAnswer done{.body = R"({"result":"done"})"};

template <typename Rows>
WebAnswer rows_answer(const Rows& rows)
{
    JsonList list;
    for (const auto& row : rows) {
        list.add(to_json(row));
    }
    return list_answer(list.str());
}

// The body {"name": name}, or with `member` instead of name.
std::string name_in(const WebRequest& request, std::string_view member)
{
    check_parameters(request, {});
    JsonBody body(request.body, "the body");
    auto name = body.needed_text(member);
    body.refuse_unknown();
    check_name(name, member);
    return name;
}

WebAnswer schedule_answer(bool found, const std::string& name)
{
    if (!found) {
        throw Error(ErrorKind::not_found, "schedule \"" + name + "\" is not found");
    }
    return done;
}

int limit_of(const WebRequest& request, int usual, int most)
{
    const auto text = parameter(request, "limit");
    return text ? read_int(*text, "limit", {1, most}) : usual;
}

} // namespace

WebAnswer WebApp::list_queues(const Call& call) const
{
    check_parameters(call.request, {});
    const auto snapshot = parts_.snapshots.current();
    return snapshot ? rows_answer(snapshot->queues)
                    : problem_answer(503, "the database has not answered yet; try again later");
}

WebAnswer WebApp::pause_queue(const Call& call) const
{
    parts_.writes.take()->pause_queue(name_in(call.request, "queue"), call.visitor.actor);
    parts_.snapshots.hurry();
    return done;
}

WebAnswer WebApp::resume_queue(const Call& call) const
{
    parts_.writes.take()->resume_queue(name_in(call.request, "queue"), call.visitor.actor);
    parts_.snapshots.hurry();
    return done;
}

WebAnswer WebApp::set_queue(const Call& call) const
{
    check_parameters(call.request, {});
    JsonBody body(call.request.body, "the body");
    const auto queue = body.needed_text("queue");
    const auto slots = body.text_or_number("slots");
    const auto weight = body.text_or_number("weight");
    body.refuse_unknown();
    check_name(queue, "queue");
    if (!slots && !weight) {
        throw Error(ErrorKind::usage, "slots, weight: at least one of them was expected");
    }
    parts_.writes.take()->set_queue(queue,
        slots ? std::optional(read_int(*slots, "slots", {0, 10'000})) : std::nullopt,
        weight ? std::optional(read_int(*weight, "weight", {1, 1'000})) : std::nullopt, call.visitor.actor);
    return done;
}

WebAnswer WebApp::list_limits(const Call& call) const
{
    check_parameters(call.request, {});
    return rows_answer(parts_.reads.take()->limits());
}

WebAnswer WebApp::set_limit(const Call& call) const
{
    check_parameters(call.request, {});
    JsonBody body(call.request.body, "the body");
    Limit limit{
        .scope = read_limit_scope(body.needed_text("scope"), "scope"), .name = body.needed_text("name")};
    const auto at_most = body.text_or_number("at_most");
    const auto starts = body.text_or_number("starts");
    const auto period = body.text_or_number("period_ms");
    body.refuse_unknown();
    check_limit_name(limit, "name");
    if (!at_most && !starts) {
        throw Error(ErrorKind::usage, "at_most, starts: at least one of them was expected");
    }
    if (starts.has_value() != period.has_value()) {
        throw Error(ErrorKind::usage, "starts, period_ms: both or none of them were expected");
    }
    if (at_most) {
        limit.at_most = read_int(*at_most, "at_most", {0, limit_count_max});
    }
    if (starts) {
        limit.starts = read_int(*starts, "starts", {1, limit_count_max});
        limit.period = Milliseconds(
            read_integer(*period, "period_ms", {1, Milliseconds(std::chrono::days(31)).count()}));
    }
    parts_.writes.take()->set_limit(limit, call.visitor.actor);
    return done;
}

WebAnswer WebApp::remove_limit(const Call& call) const
{
    check_parameters(call.request, {});
    JsonBody body(call.request.body, "the body");
    const auto scope = read_limit_scope(body.needed_text("scope"), "scope");
    const auto name = body.needed_text("name");
    body.refuse_unknown();
    if (!parts_.writes.take()->remove_limit(scope, name, call.visitor.actor)) {
        throw Error(ErrorKind::not_found,
            "limit of " + std::string(to_string(scope)) + " \"" + name + "\" is not found");
    }
    return done;
}

WebAnswer WebApp::list_workers(const Call& call) const
{
    check_parameters(call.request, {});
    JsonList list;
    for (const auto& worker : parts_.reads.take()->workers()) {
        list.add(to_json(worker, JsonIds::texts));
    }
    return list_answer(list.str());
}

WebAnswer WebApp::list_schedules(const Call& call) const
{
    check_parameters(call.request, {});
    auto schedules = parts_.reads.take()->schedules();
    for (auto& schedule : schedules) {
        schedule.declared.args = redaction_.applied(schedule.declared.args);
        schedule.declared.options = redaction_.applied(schedule.declared.options);
    }
    return rows_answer(schedules);
}

WebAnswer WebApp::list_schedule_runs(const Call& call) const
{
    check_parameters(call.request, {"name", "limit"});
    const auto name = parameter(call.request, "name").value_or("");
    check_name(name, "name");
    JsonList list;
    for (const auto& run : parts_.reads.take()->schedule_runs(name, limit_of(call.request, 20, 500))) {
        list.add(to_json(run, JsonIds::texts));
    }
    return list_answer(list.str());
}

WebAnswer WebApp::pause_schedule(const Call& call) const
{
    const auto name = name_in(call.request, "name");
    return schedule_answer(parts_.writes.take()->pause_schedule(name, call.visitor.actor), name);
}

WebAnswer WebApp::resume_schedule(const Call& call) const
{
    const auto name = name_in(call.request, "name");
    return schedule_answer(parts_.writes.take()->resume_schedule(name, call.visitor.actor), name);
}

WebAnswer WebApp::run_schedule(const Call& call) const
{
    const auto name = name_in(call.request, "name");
    const JobId id = parts_.writes.take()->run_schedule(name, call.visitor.actor);
    parts_.snapshots.hurry();
    return {.body = JsonObject(JsonIds::texts).text("result", "done").id("job_id", id).str()};
}

WebAnswer WebApp::list_dead(const Call& call) const
{
    check_parameters(call.request, {"limit"});
    JsonList list;
    for (const auto& group : parts_.reads.take()->dead_groups(limit_of(call.request, 100, 1000))) {
        list.add(to_json(group, JsonIds::texts));
    }
    return list_answer(list.str());
}

WebAnswer WebApp::list_batches(const Call& call) const
{
    check_parameters(call.request, {"limit"});
    JsonList list;
    for (const auto& batch : parts_.reads.take()->batches(std::nullopt, limit_of(call.request, 50, 1000))) {
        list.add(to_json(batch, JsonIds::texts));
    }
    return list_answer(list.str());
}

WebAnswer WebApp::kind_stats(const Call& call) const
{
    check_parameters(call.request, {"since"});
    const auto since = read_length(parameter(call.request, "since").value_or("1h"), "since");
    return rows_answer(parts_.reads.take()->kind_stats(since));
}

WebAnswer WebApp::minute_stats(const Call& call) const
{
    check_parameters(call.request, {"since", "step"});
    const auto since = read_length(parameter(call.request, "since").value_or("1h"), "since");
    const auto step = read_length(parameter(call.request, "step").value_or("1m"), "step");
    const auto minutes = std::chrono::floor<std::chrono::minutes>(step);
    constexpr std::chrono::days step_max{7};
    constexpr int steps_max = 2000;
    if (minutes != step || minutes.count() < 1 || step > step_max || since / step > steps_max) {
        throw Error(ErrorKind::usage,
            "step: whole minutes, 7d at most, of which since has no more than 2000, were expected");
    }
    return rows_answer(parts_.reads.take()->minute_stats(since, minutes));
}

} // namespace jobrunner
