#include "core/error.hpp"
#include "web/bulk_step.hpp"
#include "web/query_text.hpp"
#include "web_fixture.hpp"

using namespace jobrunner;
using namespace jobrunner::tests;

namespace {

std::string refusal(const std::function<void()>& step)
{
    try {
        step();
    } catch (const Error& error) {
        return error.kind() == ErrorKind::usage ? error.what() : "not a usage error";
    }
    return "";
}

} // namespace

TEST_CASE_FIXTURE(WebFixture, "query: a filter from its parameters")
{
    const auto filter = read_filter(
        request("GET", "/?state=dead,running,dead&kind=k&queue=q&tag=t&since=1h&below=99&limit=7"), now(),
        500);

    CHECK(filter.states == std::vector{JobState::dead, JobState::running});
    CHECK(filter.kind == "k");
    CHECK(filter.queue == "q");
    CHECK(filter.tag == "t");
    CHECK(filter.since == "2026-01-31T09:00:00.000Z");
    CHECK(filter.below == 99);
    CHECK(filter.limit == 7);
    CHECK(read_filter(request("GET", "/?state=&kind="), now(), 500).states.empty());
}

TEST_CASE_FIXTURE(WebFixture, "query: what is wrong is named")
{
    const std::pair<const char*, const char*> wrong[] = {{"state=ded", "state: is \"ded\""},
        {"limit=501", "limit: is \"501\""}, {"limit=0", "limit: "}, {"limit=1e3", "limit: "},
        {"below=-1", "below: "}, {"below=99999999999999999999", "below: "}, {"since=yesterday", "since: "},
        {"sort=id", "sort: is no parameter here"}, {"kind=a&kind=b", "kind: is there twice"}};
    for (const auto& [query, text] : wrong) {
        const auto message =
            refusal([&] { (void)read_filter(request("GET", std::string("/?") + query), now(), 500); });
        CHECK_MESSAGE(message.find(text) == 0, message);
    }
}

TEST_CASE("bulk step: the members of its body, and what is wrong with them")
{
    const auto now = WebFixture::now();
    const auto step = read_bulk_step(
        R"({"action": "reschedule", "filter": {"state": ["scheduled"], "kind": "k"}, "run_in": "5m", "below": "12",
        "limit": 3, "dry_run": true})",
        "ada", now);
    CHECK(step.command.action == JobAction::reschedule);
    CHECK(step.command.run_in == std::chrono::minutes(5));
    CHECK(step.command.actor == "ada");
    CHECK(step.dry_run);
    CHECK(step.selection.filter.below == 12);
    CHECK(step.selection.filter.limit == 3);
    CHECK(step.selection.filter.kind == "k");

    const std::pair<const char*, const char*> wrong[] = {{"[]", "the body"}, {"{}", "action: "},
        {R"({"action": "edit", "ids": [1]})", "action: is \"edit\""},
        {R"({"action": "retry"})", "ids, filter: one"},
        {R"({"action": "retry", "ids": [1], "filter": {}})", "ids, filter: one"},
        {R"({"action": "retry", "ids": []})", "ids: 1 to 500"},
        {R"({"action": "retry", "ids": [1.5]})", "ids: is \"1.5\""},
        {R"({"action": "retry", "ids": [{}]})", "ids: a string or a number"},
        {R"({"action": "retry", "filter": {"stat": []}})", "\"stat\" is not known here"},
        {R"({"action": "retry", "filter": {}, "run_in": "5m"})", "run_at, run_in"},
        {R"({"action": "reschedule", "filter": {}})", "run_at, run_in"},
        {R"({"action": "retry", "filter": {}, "limit": 501})", "limit: "},
        {R"({"action": "retry", "filter": {}, "dry_run": 1})", "dry_run: true or false"},
        {R"({"action": "retry", "action": "delete", "filter": {}})", "action: is there twice"}};
    for (const auto& [body, text] : wrong) {
        const auto message = refusal([&] { (void)read_bulk_step(body, "ada", now); });
        CHECK_MESSAGE(message.find(text) == 0, message);
    }
}
