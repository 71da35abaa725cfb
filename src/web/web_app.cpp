#include "web/web_app.hpp"

#include "client/json_object.hpp"
#include "client/read_number.hpp"
#include "core/error.hpp"
#include "core/version.hpp"
#include "web/asset.hpp"
#include "web/json_body.hpp"
#include "web/metrics.hpp"
#include "web/overview_json.hpp"
#include "web/query_text.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace jobrunner {
namespace {

int status_of(ErrorKind kind)
{
    switch (kind) {
    case ErrorKind::usage:
        return 400;
    case ErrorKind::refused:
        return 422;
    case ErrorKind::not_found:
        return 404;
    case ErrorKind::not_possible:
        return 409;
    case ErrorKind::unreachable:
    case ErrorKind::in_doubt:
    case ErrorKind::outdated:
        return 503;
    case ErrorKind::internal:
        return 500;
    }
    return 500;
}

std::vector<std::string_view> parts_of(std::string_view path)
{
    std::vector<std::string_view> parts;
    while (!path.empty()) {
        const auto end = std::min(path.find('/', 1), path.size());
        parts.push_back(path.substr(0, end));
        path.remove_prefix(end);
    }
    return parts;
}

// Whether the path is one of the pattern's; sets `id` to what stands for {id}.
bool matches(std::string_view pattern, const std::vector<std::string_view>& path, std::string_view& id)
{
    const auto wanted = parts_of(pattern);
    if (wanted.size() != path.size()) {
        return false;
    }
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        if (wanted[i] == "/{id}") {
            id = path[i].substr(1);
        } else if (wanted[i] != path[i]) {
            return false;
        }
    }
    return true;
}

const Asset* find_asset(std::string_view path)
{
    if (path == "/") {
        path = "/index.html";
    }
    const auto assets = embedded_assets();
    const auto found =
        std::ranges::find_if(assets, [&](const Asset& asset) { return path.substr(1) == asset.name; });
    return found == assets.end() ? nullptr : &*found;
}

WebAnswer asset_answer(const WebRequest& request, const Asset& asset)
{
    const std::string tag = '"' + std::string(asset.hash) + '"';
    WebAnswer answer{.type = std::string(asset.type)};
    // Asked for again each time, and not sent again while it is the same.
    answer.headers = {{"ETag", tag}, {"Cache-Control", "no-cache"}};
    if (header_of(request, "if-none-match") == tag) {
        answer.status = 304;
    } else {
        answer.body = asset.bytes;
    }
    return answer;
}

WebAnswer no_snapshot()
{
    return problem_answer(503, "the database has not answered yet; try again later");
}

} // namespace

WebAnswer list_answer(const std::string& list, const std::string& next)
{
    return {.body = JsonObject().raw("items", list).raw("next", next).str()};
}

WebApp::WebApp(const WebConfig& config, WebParts parts)
    : access_(config), redaction_(config.redact), parts_(std::move(parts))
{
}

std::span<const WebApp::Route> WebApp::routes()
{
    using enum WebScope;
    constexpr auto anybody = std::nullopt;
    static constexpr Route table[] = {
        {"GET", "/healthz", anybody, &WebApp::health},
        {"GET", "/readyz", anybody, &WebApp::ready},
        {"GET", "/metrics", read, &WebApp::metrics},
        {"GET", "/api/v1/openapi.json", anybody, &WebApp::description},
        {"GET", "/api/v1/whoami", anybody, &WebApp::whoami},
        {"POST", "/api/v1/login", anybody, &WebApp::login},
        {"POST", "/api/v1/logout", anybody, &WebApp::logout},
        {"GET", "/api/v1/overview", read, &WebApp::overview},
        {"GET", "/api/v1/events", read, &WebApp::events},
        {"GET", "/api/v1/jobs", read, &WebApp::list_jobs},
        {"POST", "/api/v1/jobs", operate, &WebApp::enqueue_jobs},
        {"POST", "/api/v1/jobs/actions", operate, &WebApp::act_on_jobs},
        {"GET", "/api/v1/jobs/{id}", read, &WebApp::show_job},
        {"GET", "/api/v1/jobs/{id}/attempts", read, &WebApp::list_attempts},
        {"GET", "/api/v1/jobs/{id}/explain", read, &WebApp::explain},
        {"GET", "/api/v1/jobs/{id}/log", read, &WebApp::read_log},
        {"POST", "/api/v1/jobs/{id}/cancel", operate, &WebApp::cancel_job},
        {"POST", "/api/v1/jobs/{id}/retry", operate, &WebApp::retry_job},
        {"POST", "/api/v1/jobs/{id}/delete", admin, &WebApp::delete_job},
        {"POST", "/api/v1/jobs/{id}/reschedule", operate, &WebApp::reschedule_job},
        {"POST", "/api/v1/jobs/{id}/edit", operate, &WebApp::edit_job},
        {"GET", "/api/v1/queues", read, &WebApp::list_queues},
        {"POST", "/api/v1/queues/pause", operate, &WebApp::pause_queue},
        {"POST", "/api/v1/queues/resume", operate, &WebApp::resume_queue},
        {"POST", "/api/v1/queues/set", operate, &WebApp::set_queue},
        {"GET", "/api/v1/limits", read, &WebApp::list_limits},
        {"POST", "/api/v1/limits/set", operate, &WebApp::set_limit},
        {"POST", "/api/v1/limits/remove", operate, &WebApp::remove_limit},
        {"GET", "/api/v1/workers", read, &WebApp::list_workers},
        {"GET", "/api/v1/schedules", read, &WebApp::list_schedules},
        {"GET", "/api/v1/schedules/runs", read, &WebApp::list_schedule_runs},
        {"POST", "/api/v1/schedules/pause", operate, &WebApp::pause_schedule},
        {"POST", "/api/v1/schedules/resume", operate, &WebApp::resume_schedule},
        {"POST", "/api/v1/schedules/run", operate, &WebApp::run_schedule},
        {"GET", "/api/v1/batches", read, &WebApp::list_batches},
        {"GET", "/api/v1/dead", read, &WebApp::list_dead},
        {"GET", "/api/v1/stats", read, &WebApp::kind_stats},
        {"GET", "/api/v1/stats/minutes", read, &WebApp::minute_stats},
    };
    return table;
}

std::optional<WebAnswer> WebApp::early_answer(const WebRequest& request) const
{
    return access_.refusal(request);
}

WebAnswer WebApp::answer(const WebRequest& request) const
{
    try {
        return answer_or_throw(request);
    } catch (const Error& error) {
        const int status = status_of(error.kind());
        if (status >= 500) {
            spdlog::error("request_failed path={} error=\"{}\"", request.path, error.what());
        }
        // What an unreachable database says names hosts and users.
        return problem_answer(
            status, status == 503 ? std::string_view("the database cannot be used now") : error.what());
    }
}

WebAnswer WebApp::answer_or_throw(const WebRequest& request) const
{
    if (const auto refused = access_.refusal(request)) {
        return *refused;
    }
    const auto path = parts_of(request.path);
    bool known_path = false;
    for (const auto& route : routes()) {
        std::string_view id;
        if (!matches(route.path, path, id)) {
            continue;
        }
        known_path = true;
        if (route.method != request.method) {
            continue;
        }
        const auto visitor = access_.visitor(request);
        if (route.scope && !visitor) {
            return token_expected();
        }
        if (route.scope && visitor->scope < *route.scope) {
            return problem_answer(403,
                "the scope " + std::string(to_string(*route.scope)) + " was expected, and yours is " +
                    std::string(to_string(visitor->scope)));
        }
        const JobId job = id.empty() ? 0 : read_job_id(id, "id");
        return (this->*route.handle)({request, visitor.value_or(Visitor{}), job});
    }
    if (known_path) {
        return problem_answer(405, "the path is there, but not with this method");
    }
    const auto* asset = request.method == "GET" ? find_asset(request.path) : nullptr;
    return asset != nullptr ? asset_answer(request, *asset) : problem_answer(404, "there is nothing here");
}

WebAnswer WebApp::whoami(const Call& call) const
{
    const auto visitor = access_.visitor(call.request);
    return {.body = JsonObject()
                        .maybe_text("actor", visitor ? std::optional(visitor->actor) : std::nullopt)
                        .maybe_text("scope",
                            visitor ? std::optional(std::string(to_string(visitor->scope))) : std::nullopt)
                        .flag("by_token", access_.has_tokens())
                        .text("version", version())
                        .str()};
}

WebAnswer WebApp::login(const Call& call) const
{
    JsonBody body(call.request.body, "the body");
    const auto token = body.needed_text("token");
    body.refuse_unknown();
    const auto visitor = access_.visitor_with(token);
    if (!visitor) {
        return problem_answer(401, "token: is not known");
    }
    WebAnswer answer{
        .body = JsonObject().text("actor", visitor->actor).text("scope", to_string(visitor->scope)).str()};
    const bool secure = header_of(call.request, "origin").value_or("").starts_with("https://");
    answer.headers.emplace_back("Set-Cookie",
        std::string(session_cookie) + "=" + token + "; Path=/; HttpOnly; SameSite=Strict; Max-Age=2592000" +
            (secure ? "; Secure" : ""));
    return answer;
}

WebAnswer WebApp::logout(const Call&) const
{
    WebAnswer answer{.body = "{}"};
    answer.headers.emplace_back(
        "Set-Cookie", std::string(session_cookie) + "=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
    return answer;
}

WebAnswer WebApp::overview(const Call& call) const
{
    check_parameters(call.request, {});
    const auto snapshot = parts_.snapshots.current();
    return snapshot ? WebAnswer{.body = overview_json(*snapshot)} : no_snapshot();
}

WebAnswer WebApp::events(const Call& call) const
{
    check_parameters(call.request, {});
    return {.type = "text/event-stream", .events = true};
}

WebAnswer WebApp::metrics(const Call&) const
{
    const auto snapshot = parts_.snapshots.current();
    return snapshot ? WebAnswer{.type = metrics_type, .body = metrics_text(*snapshot, parts_.now())}
                    : no_snapshot();
}

WebAnswer WebApp::health(const Call&) const
{
    return {.type = "text/plain; charset=utf-8", .body = "ok\n"};
}

WebAnswer WebApp::ready(const Call&) const
{
    const auto snapshot = parts_.snapshots.current();
    return snapshot && !snapshot->error ? WebAnswer{.type = "text/plain; charset=utf-8", .body = "ready\n"}
                                        : no_snapshot();
}

WebAnswer WebApp::description(const Call& call) const
{
    return asset_answer(call.request, *find_asset("/openapi.json"));
}

} // namespace jobrunner
