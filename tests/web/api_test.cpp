#include "core/error.hpp"
#include "web/asset.hpp"
#include "web_fixture.hpp"

#include <nlohmann/json.hpp>

#include <set>

using namespace jobrunner;
using namespace jobrunner::tests;
using nlohmann::json;

TEST_CASE_FIXTURE(WebFixture, "api: the description has the server's routes, and their scopes")
{
    const auto answer = get("/api/v1/openapi.json");
    REQUIRE(answer.status == 200);
    const auto description = json::parse(answer.body);
    std::set<std::string> described;
    for (const auto& [path, methods] : description["paths"].items()) {
        for (const auto& [method, operation] : methods.items()) {
            described.insert(method + " " + path + " " + operation["x-scope"].get<std::string>());
        }
    }
    std::set<std::string> served;
    for (const auto& route : WebApp::routes()) {
        served.insert((route.method == "GET" ? "get " : "post ") + std::string(route.path) + " " +
            (route.scope ? std::string(to_string(*route.scope)) : "anybody"));
    }

    CHECK(described == served);
}

TEST_CASE_FIXTURE(WebFixture, "api: jobs in pages, with ids as texts and nothing that is to be hidden")
{
    for (JobId id = 1; id <= 3; ++id) {
        storage->add(9'007'199'254'740'993 + id, JobState::dead).args = R"({"n": 1.10, "token": "t0p"})";
    }

    const auto first = json::parse(get("/api/v1/jobs?limit=2").body);
    const auto second =
        json::parse(get("/api/v1/jobs?limit=2&below=" + first["next"].get<std::string>()).body);

    CHECK(first["items"].size() == 2);
    CHECK(first["items"][0]["id"] == "9007199254740996");
    CHECK(first["items"][0]["args"]["token"] == "***");
    CHECK(get("/api/v1/jobs").body.find(R"("n":1.10)") != std::string::npos);
    CHECK(get("/api/v1/jobs").body.find("t0p") == std::string::npos);
    CHECK(second["items"].size() == 1);
    CHECK(second["next"].is_null());
    CHECK(get("/api/v1/jobs/9007199254740994").body.find("t0p") == std::string::npos);
}

TEST_CASE_FIXTURE(WebFixture, "api: a list leaves out what is long")
{
    auto& job = storage->add(5, JobState::completed);
    job.args = R"({"text": ")" + std::string(5000, 'x') + R"("})";
    job.output = "printed";
    job.error = std::string(5000, 'e');

    const auto listed = json::parse(get("/api/v1/jobs").body)["items"][0];
    const auto shown = json::parse(get("/api/v1/jobs/5").body);

    CHECK(listed["args"].is_null());
    CHECK(listed["output"].is_null());
    CHECK(listed["error"].get<std::string>().size() == 2000);
    CHECK(shown["args"]["text"].get<std::string>().size() == 5000);
    CHECK(shown["output"] == "printed");
}

TEST_CASE_FIXTURE(WebFixture, "api: jobs are added, one or several, all or none")
{
    auto one = post("/api/v1/jobs", R"({"kind": "a", "args": {"n": 1.10}})");
    CHECK(one.status == 200);
    CHECK(json::parse(one.body)["items"][0]["id"] == "1");
    CHECK(storage->enqueued.at(0).at(0).args == R"({"n": 1.10})");

    CHECK(post("/api/v1/jobs?on_conflict=skip", R"([{"kind": "a"}, {"kind": "b"}])").status == 200);
    CHECK(storage->last_on_conflict == OnConflict::skip);
    const auto bad = post("/api/v1/jobs", R"([{"kind": "a"}, {"knd": "b"}])");
    CHECK(bad.status == 400);
    CHECK(bad.body.find("job 2: ") != std::string::npos);
    CHECK(storage->enqueued.size() == 2);
    for (const auto* body : {"", "5", "[]", "{}", "{\"kind\": \"\"}", "{\"kind\": 5}", "[[[[", "\"\xff\"",
             "{\"kind\": \"a\\u0000\"}"}) {
        CHECK_MESSAGE(post("/api/v1/jobs", body).status == 400, body);
    }
    storage->failing_call = 2;
    CHECK(post("/api/v1/jobs", R"({"kind": "a", "unique_key": "k"})").status == 422);
}

TEST_CASE_FIXTURE(WebFixture, "api: actions on one job, and what stands against them")
{
    storage->add(5, JobState::dead);
    storage->add(6, JobState::running);

    CHECK(post("/api/v1/jobs/5/retry", "{}").status == 200);
    CHECK(storage->commands.back().actor == "web");
    CHECK(json::parse(post("/api/v1/jobs/6/cancel", "{}").body)["result"] == "requested");
    CHECK(post("/api/v1/jobs/5/cancel", "{}").status == 409);
    CHECK(post("/api/v1/jobs/7/retry", "{}").status == 404);
    CHECK(post("/api/v1/jobs/0/retry", "{}").status == 400);
    CHECK(post("/api/v1/jobs/5.5/retry", "{}").status == 400);
    CHECK(post("/api/v1/jobs/5/reschedule", "{}").status == 400);
    CHECK(post("/api/v1/jobs/5/retry", R"({"force": true})").status == 400);
    CHECK(get("/api/v1/jobs/5/retry").status == 405);
    CHECK(post("/api/v1/jobs/5/delete", "{}").status == 403);
    config.local_scope = WebScope::admin;
    CHECK(post("/api/v1/jobs/5/delete", "{}").status == 200);
}

TEST_CASE_FIXTURE(WebFixture, "api: an action on many goes by steps, which come to all of them once")
{
    for (JobId id = 1; id <= 7; ++id) {
        storage->add(id, JobState::dead);
    }
    const std::string body = R"({"action": "retry", "filter": {}, "limit": 3)";

    std::set<JobId> acted;
    std::string below;
    int steps = 0;
    for (bool more = true; more && steps < 10; ++steps) {
        const auto answer = json::parse(post("/api/v1/jobs/actions", body + below + "}").body);
        for (const auto id : storage->acted_ids.back()) {
            CHECK(acted.insert(id).second);
        }
        more = !answer["next"].is_null();
        below = more ? ", \"below\": \"" + answer["next"].get<std::string>() + "\"" : "";
    }
    CHECK(acted.size() == 7);
    CHECK(steps == 3);

    storage->commands.clear();
    const auto dry = json::parse(post(
        "/api/v1/jobs/actions", R"({"action": "cancel", "filter": {"state": ["dead"]}, "dry_run": true})")
                                     .body);
    CHECK(dry["not_possible"] == 7);
    CHECK(storage->commands.empty());
    CHECK(post("/api/v1/jobs/actions", R"({"action": "delete", "filter": {}})").status == 403);
}

TEST_CASE_FIXTURE(WebFixture, "api: queues, schedules, dead letters, statistics")
{
    storage->dead_rows = {{"k", "f", 5, 9'007'199'254'740'993, "2026-01-31T09:00:00.000Z", "boom"}};
    ScheduleRow schedule;
    schedule.declared.name = "nightly";
    schedule.declared.args = R"({"secret": "t0p"})";
    storage->schedule_rows = {schedule};
    storage->run_rows = {{"2026-01-31T09:00:00.000Z", "2026-01-31T09:00:00.000Z", 5, "enqueued"}};

    CHECK(json::parse(get("/api/v1/dead").body)["items"][0]["newest"] == "9007199254740993");
    CHECK(get("/api/v1/schedules").body.find("t0p") == std::string::npos);
    CHECK(json::parse(get("/api/v1/schedules/runs?name=nightly").body)["items"][0]["job_id"] == "5");
    CHECK(get("/api/v1/schedules/runs").status == 400);
    CHECK(post("/api/v1/schedules/pause", R"({"name": "nightly"})").status == 200);
    CHECK(post("/api/v1/schedules/pause", R"({"name": "hourly"})").status == 404);
    CHECK(json::parse(post("/api/v1/schedules/run", R"({"name": "nightly"})").body)["job_id"] == "42");
    CHECK(post("/api/v1/queues/set", R"({"queue": "a", "slots": 3})").status == 200);
    CHECK(storage->queue_calls.back() == "set a slots 3 weight -1 by web");
    CHECK(post("/api/v1/queues/set", R"({"queue": "a"})").status == 400);
    CHECK(post("/api/v1/queues/set", R"({"queue": "a", "slots": -1})").status == 400);
    CHECK(get("/api/v1/stats?since=10m").status == 200);
    CHECK(storage->stats_over == std::chrono::minutes(10));
    CHECK(get("/api/v1/stats/minutes?since=6h&step=5m").status == 200);
    CHECK(storage->minutes_step == std::chrono::minutes(5));
    for (const auto* bad : {"step=30s", "step=0s", "step=90s", "since=400d", "step=8d", "since=x"}) {
        CHECK_MESSAGE(get(std::string("/api/v1/stats/minutes?") + bad).status == 400, bad);
    }
}

TEST_CASE_FIXTURE(WebFixture, "api: the overview adds up minutes, and is JSON whatever the names are")
{
    for (const auto* queue : {"a", "</script><b>\"\\"}) {
        MinuteStatsRow row{.begin = "2026-01-31T09:59:00.000Z", .queue = queue, .counts = {.kind = "k"}};
        row.counts.completed = 5;
        row.counts.crashed = 1;
        storage->minute_rows.push_back(row);
        storage->queue_rows.emplace_back().queue = queue;
    }

    const auto overview = json::parse(get("/api/v1/overview").body);

    CHECK(overview["minutes"][0]["completed"] == 10);
    CHECK(overview["minutes"][0]["failed"] == 2);
    CHECK(overview["kinds"][0]["completed"] == 10);
    CHECK(overview["queues"][1]["queue"] == "</script><b>\"\\");
    CHECK(overview["error"].is_null());
    CHECK(get("/metrics").body.find("jobrunner_up 1") != std::string::npos);
    CHECK(get("/readyz").body == "ready\n");
}

TEST_CASE("api: a database that is away is told from a server that is")
{
    WebFixture web;
    StoragePool pool(
        []() -> std::shared_ptr<Storage> {
            throw Error(ErrorKind::unreachable, "no server at 10.0.0.1 for user jobs");
        },
        1);
    SnapshotKeeper snapshots(
        []() -> Snapshot { throw Error(ErrorKind::unreachable, "no server at 10.0.0.1"); },
        [] { return WebFixture::now(); });
    const WebApp app(web.config, {pool, pool, snapshots, [] { return WebFixture::now(); }});

    const auto jobs = app.answer(web.request("GET", "/api/v1/jobs"));
    CHECK(jobs.status == 503);
    CHECK(jobs.body.find("10.0.0.1") == std::string::npos);
    CHECK(app.answer(web.request("GET", "/readyz")).status == 503);
    CHECK(app.answer(web.request("GET", "/healthz")).status == 200);
    CHECK(app.answer(web.request("GET", "/metrics")).body.find("jobrunner_up 0") != std::string::npos);
    const auto overview = json::parse(app.answer(web.request("GET", "/api/v1/overview")).body);
    CHECK(overview["problems"][0]["code"] == "database_unreachable");
}

TEST_CASE_FIXTURE(WebFixture, "page: its files are there, and again only when they have changed")
{
    const auto page = get("/");
    REQUIRE(page.status == 200);
    CHECK(page.type == "text/html; charset=utf-8");
    CHECK(page.body.find("<script>") == std::string::npos);
    CHECK(page.body.find("style=") == std::string::npos);
    auto again = request("GET", "/");
    again.headers.emplace("if-none-match", page.headers.at(0).second);
    CHECK(ask(again).status == 304);
    for (const auto& asset : embedded_assets()) {
        CHECK(get("/" + std::string(asset.name)).status == 200);
    }
    for (const auto* path : {"/nothing", "//", "/../etc/passwd", "/index.html/", "/api", "/api/v1/jobs/"}) {
        CHECK_MESSAGE(get(path).status == 404, path);
    }
}

TEST_CASE_FIXTURE(WebFixture, "api: limits are listed, set and removed")
{
    CHECK(post("/api/v1/limits/set",
              R"({"scope": "kind", "name": "mail.send", "at_most": 3, "starts": 5, "period_ms": 60000})")
              .status == 200);
    REQUIRE(storage->limit_rows.size() == 1);
    CHECK(storage->limit_rows[0].limit.period == std::chrono::minutes(1));
    storage->limit_rows[0].waiting = 7;

    const auto listed = json::parse(get("/api/v1/limits").body)["items"][0];
    CHECK(listed["scope"] == "kind");
    CHECK(listed["at_most"] == 3);
    CHECK(listed["waiting"] == 7);

    CHECK(post("/api/v1/limits/remove", R"({"scope": "kind", "name": "mail.send"})").status == 200);
    CHECK(post("/api/v1/limits/remove", R"({"scope": "kind", "name": "mail.send"})").status == 404);
}

TEST_CASE_FIXTURE(WebFixture, "api: limits that limit nothing, or something else, are refused by name")
{
    const auto refused = [&](const std::string& body, const std::string& field) {
        const auto answer = post("/api/v1/limits/set", body);
        CAPTURE(body);
        CHECK(answer.status == 400);
        CHECK(answer.body.find(field) != std::string::npos);
    };
    refused(R"({"scope": "tag", "name": "a", "at_most": 1})", "scope");
    refused(R"({"scope": "kind", "name": "", "at_most": 1})", "name");
    refused(R"({"scope": "kind", "name": "a"})", "at_most");
    refused(R"({"scope": "kind", "name": "a", "at_most": -1})", "at_most");
    refused(R"({"scope": "kind", "name": "a", "starts": 1})", "period_ms");
    refused(R"({"scope": "kind", "name": "a", "starts": 1, "period_ms": 0})", "period_ms");
    refused(R"({"scope": "kind", "name": "a", "at_most": 1, "more": 2})", "more");
    CHECK(storage->limit_rows.empty());
}
