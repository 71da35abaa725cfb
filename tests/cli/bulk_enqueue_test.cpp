#include "client/bulk_enqueue.hpp"
#include "client/job_lines.hpp"
#include "core/error.hpp"
#include "fake_storage.hpp"

#include <doctest/doctest.h>
#include <sstream>

using namespace jobrunner;
using jobrunner::tests::FakeStorage;

namespace {

std::vector<JobLine> lines_of(std::size_t count)
{
    std::vector<JobLine> lines;
    for (std::size_t i = 1; i <= count; ++i) {
        JobLine line;
        line.line = i;
        line.job.kind = "k" + std::to_string(i);
        lines.push_back(line);
    }
    return lines;
}

std::string complaint(const std::string& text, const NewJob& defaults = {})
{
    std::istringstream in(text);
    try {
        (void)read_job_lines(in, "jobs.jsonl", defaults);
        return "";
    } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::usage);
        return error.what();
    }
}

} // namespace

TEST_CASE("job line: every column has its member, and numbers keep their digits")
{
    const auto job = parse_job_line(R"({"kind": "mail.send", "args": {"n": 1.10, "big": 18446744073709551617},
        "queue": "mail", "priority": -5, "run_at": "2026-01-31T09:00:00+01:00", "max_attempts": 3, "timeout": 1.5,
        "expires_at": "2026-02-01T00:00:00Z", "unique_key": "u", "concurrency_key": "c", "cost": 2, "serial_key": "s",
        "fair_key": "f", "requires": ["gpu"], "affinity_key": "a", "depends_on": [9223372036854775807],
        "on_dependency_failure": "run", "batch_id": 7, "tags": ["x", "y"], "meta": {"a": 1}, "traceparent": "00-1"})",
        {});

    CHECK(job.kind == "mail.send");
    CHECK(job.args == R"({"n": 1.10, "big": 18446744073709551617})");
    CHECK(job.queue == "mail");
    CHECK(job.priority == -5);
    CHECK(job.run_at == "2026-01-31T08:00:00.000Z");
    CHECK(job.max_attempts == 3);
    CHECK(job.timeout == Milliseconds(1500));
    CHECK(job.depends_on == std::vector<JobId>{9223372036854775807});
    CHECK(job.requires_labels == std::vector<std::string>{"gpu"});
    CHECK(job.batch_id == 7);
    CHECK(job.tags == std::vector<std::string>{"x", "y"});
    CHECK(job.meta == R"({"a": 1})");
}

TEST_CASE("job line: absent and null members have the defaults' values")
{
    NewJob defaults;
    defaults.kind = "mail.send";
    defaults.queue = "bulk";
    defaults.run_in = Milliseconds(1000);

    CHECK(parse_job_line(R"({"args": {}, "queue": null})", defaults).queue == "bulk");
    CHECK(parse_job_line(R"({"queue": "fast", "run_in": "5m"})", defaults).queue == "fast");
    CHECK(parse_job_line(R"({"run_at": "2026-01-31T09:00Z"})", defaults).run_in == std::nullopt);
}

TEST_CASE("job lines: the first bad line is named, with what is wrong in it")
{
    CHECK(complaint("{\"kind\": \"a\"}\n\n{\"kind\": \"b\"\n") ==
        "jobs.jsonl:3: the line: is no JSON: column 13: a comma or } was expected here");
    CHECK(complaint(R"({"kind": "a", "state": "running"})") ==
        "jobs.jsonl:1: \"state\" is no column of a job that an application may set");
    CHECK(complaint(R"({"args": {}})") == "jobs.jsonl:1: kind: has 0 characters; 1 to 128 were expected");
    CHECK(complaint(R"({"kind": "a", "priority": 1.5})").starts_with("jobs.jsonl:1: priority: is \"1.5\""));
    CHECK(complaint(R"({"kind": "a", "priority": 40000})") ==
        "jobs.jsonl:1: priority: is 40000; -32768 to 32767 was expected");
    CHECK(complaint(R"({"kind": "a", "args": []})") == "jobs.jsonl:1: args: an object was expected");
    CHECK(complaint(R"({"kind": "a\u0007"})").starts_with("jobs.jsonl:1: kind: holds a character"));
    CHECK(complaint(R"({"kind": "a", "timeout": "31d"})") ==
        "jobs.jsonl:1: timeout: is 31d; over 0s and at most 30d was expected");
    CHECK(complaint(R"({"kind": "a", "run_at": "infinity"})")
              .starts_with("jobs.jsonl:1: run_at: is \"infinity\""));
}

TEST_CASE("job lines: empty lines are passed over, and the others keep their numbers")
{
    std::istringstream in("\n{\"kind\": \"a\"}\r\n   \n{\"kind\": \"b\"}");
    const auto lines = read_job_lines(in, "x", {});

    REQUIRE(lines.size() == 2);
    CHECK(lines[0].line == 2);
    CHECK(lines[1].line == 4);
}

TEST_CASE("bulk: batches of 500, in order, each in one call")
{
    FakeStorage storage;
    std::size_t reported = 0;
    const auto lines = lines_of(1201);

    enqueue_in_batches(storage, lines, OnConflict::skip, [&](auto batch, auto added) {
        CHECK(batch.size() == added.size());
        CHECK(batch.front().line == reported + 1);
        reported += batch.size();
    });

    REQUIRE(storage.enqueued.size() == 3);
    CHECK(storage.enqueued[0].size() == 500);
    CHECK(storage.enqueued[2].size() == 201);
    CHECK(storage.enqueued[2].front().kind == "k1001");
    CHECK(storage.last_on_conflict == OnConflict::skip);
    CHECK(reported == 1201);
}

TEST_CASE("bulk: a batch that fails says which lines stand and which do not")
{
    FakeStorage storage;
    storage.failing_call = 1;
    const auto lines = lines_of(1201);

    CHECK_THROWS_WITH_AS(enqueue_in_batches(storage, lines, OnConflict::refuse, [](auto, auto) {}),
        "unique_key is held by an unfinished job (lines 501 to 1000 were not enqueued; lines 1 to 500 were; "
        "lines 1001 to "
        "1201 were not tried)",
        Error);
    CHECK(storage.enqueued.size() == 1);
}
