#include "web/worker_page.hpp"

#include "core/error.hpp"
#include "web/access_token.hpp"

#include <doctest/doctest.h>

#include <atomic>

using namespace jobrunner;

namespace {

WorkerFigures at_work()
{
    WorkerFigures figures;
    figures.phase = WorkerPhase::running;
    figures.has_lease = true;
    figures.slots = 4;
    figures.running = 3;
    figures.held = 5;
    figures.jobs_claimed = 12;
    figures.completed = 6;
    figures.lost = 1;
    figures.leases_lost = 2;
    figures.claims.add(0.002);
    figures.claims.add(0.5);
    figures.connections = {{"claim", true, 3}, {"settle", false, 0}};
    return figures;
}

WebRequest asked(const std::string& path, const std::string& method = "GET")
{
    WebRequest request;
    request.method = method;
    request.path = path;
    request.headers.emplace("host", "127.0.0.1:9100");
    request.peer = "127.0.0.1";
    return request;
}

} // namespace

TEST_CASE("worker page: the metrics are the worker's figures")
{
    const WorkerPage page({}, at_work);

    const auto answer = page.answer(asked("/metrics"));

    REQUIRE(answer.status == 200);
    for (const auto* line : {"jobrunner_worker_ready 1\n", "jobrunner_worker_phase{phase=\"running\"} 1\n",
             "jobrunner_worker_phase{phase=\"quiet\"} 0\n", "jobrunner_worker_slots 4\n",
             "jobrunner_worker_slots_used 3\n", "jobrunner_worker_jobs_held 5\n",
             "jobrunner_worker_jobs_claimed_total 12\n",
             "jobrunner_worker_attempts_settled_total{outcome=\"completed\"} 6\n",
             "jobrunner_worker_attempts_settled_total{outcome=\"lost\"} 1\n",
             "jobrunner_worker_leases_lost_total 2\n", "jobrunner_worker_connected{thread=\"settle\"} 0\n",
             "jobrunner_worker_reconnections_total{thread=\"claim\"} 3\n",
             "jobrunner_worker_claim_seconds_count 2\n",
             "jobrunner_worker_claim_seconds_bucket{le=\"0.01\"} 1\n",
             "jobrunner_worker_claim_seconds_bucket{le=\"+Inf\"} 2\n",
             "jobrunner_worker_settle_seconds_count 0\n"}) {
        INFO(line);
        CHECK(answer.body.find(line) != std::string::npos);
    }
}

TEST_CASE("worker page: it is healthy while it answers, and ready while it takes jobs")
{
    WorkerFigures figures = at_work();
    const WorkerPage page({}, [&] { return figures; });

    CHECK(page.answer(asked("/readyz")).body == "ready\n");
    figures.phase = WorkerPhase::stopping;

    CHECK(page.answer(asked("/readyz")).status == 503);
    CHECK(page.answer(asked("/readyz")).body == "stopping\n");
    CHECK(page.answer(asked("/healthz")).status == 200);
    CHECK(page.answer(asked("/metrics")).body.find("jobrunner_worker_ready 0\n") != std::string::npos);
}

TEST_CASE("worker page: tokens guard the metrics and nothing else; foreign names and other paths get nothing")
{
    WebConfig config;
    config.tokens = {{"prometheus", access_token_hash("s3cr3t"), WebScope::read}};
    const WorkerPage page(config, at_work);

    CHECK(page.answer(asked("/metrics")).status == 401);
    auto known = asked("/metrics");
    known.headers.emplace("authorization", "Bearer s3cr3t");
    CHECK(page.answer(known).status == 200);
    CHECK(page.answer(asked("/healthz")).status == 200);
    CHECK(page.answer(asked("/readyz")).status == 200);
    CHECK(page.answer(asked("/")).status == 404);
    CHECK(page.answer(asked("/api/v1/jobs")).status == 404);
    CHECK(page.answer(asked("/healthz", "POST")).status != 200);
    auto rebound = asked("/healthz");
    rebound.headers.find("host")->second = "evil.example";
    CHECK(page.answer(rebound).status == 421);
    CHECK(page.early_answer(rebound)->status == 421);
}

TEST_CASE("worker page: it comes and goes at once, and an address that is taken is refused")
{
    for (int i = 0; i < 20; ++i) {
        CHECK(serve_worker_page({}, "127.0.0.1:0", at_work) != nullptr);
    }
    CHECK_THROWS_AS((void)serve_worker_page({}, "192.0.2.1:9", at_work), Error); // an address of no host
}
