#include "cli_fixture.hpp"

#include <doctest/doctest.h>

using namespace jobrunner;
using jobrunner::tests::CliFixture;

TEST_CASE_FIXTURE(CliFixture, "enqueue: prints the id, and every flag reaches its column")
{
    CHECK(run({"enqueue", "mail.send", R"({"n": 1.10})", "--queue", "mail", "--priority", "-5", "--in", "5m",
              "--max-attempts", "3", "--timeout", "30s", "--expires-at", "2026-02-01T00:00Z", "--unique-key",
              "u", "--on-conflict", "skip", "--concurrency-key", "c", "--cost", "2", "--serial-key", "s",
              "--fair-key", "f", "--requires", "gpu,eu", "--affinity-key", "a", "--on-dependency-failure",
              "run", "--batch", "9", "--tag", "x", "--tag", "y", "--meta", R"({"m": 1})", "--traceparent",
              "00-1", "--after", "7", "8"}) == 0);

    CHECK(out == "1\n");
    CHECK(storage->last_on_conflict == OnConflict::skip);
    const NewJob& job = storage->enqueued.at(0).at(0);
    CHECK(job.kind == "mail.send");
    CHECK(job.args == R"({"n": 1.10})");
    CHECK(job.queue == "mail");
    CHECK(job.priority == -5);
    CHECK(job.run_in == std::chrono::minutes(5));
    CHECK(job.max_attempts == 3);
    CHECK(job.timeout == std::chrono::seconds(30));
    CHECK(job.expires_at == "2026-02-01T00:00:00.000Z");
    CHECK(job.unique_key == "u");
    CHECK(job.concurrency_key == "c");
    CHECK(job.cost == 2);
    CHECK(job.serial_key == "s");
    CHECK(job.fair_key == "f");
    CHECK(job.requires_labels == std::vector<std::string>{"gpu", "eu"});
    CHECK(job.affinity_key == "a");
    CHECK(job.depends_on == std::vector<JobId>{7, 8});
    CHECK(job.on_dependency_failure == "run");
    CHECK(job.batch_id == 9);
    CHECK(job.tags == std::vector<std::string>{"x", "y"});
    CHECK(job.meta == R"({"m": 1})");
    CHECK(job.traceparent == "00-1");
}

TEST_CASE_FIXTURE(CliFixture, "enqueue: a kind may be called as a command, a tag may stand in brackets")
{
    CHECK(run({"enqueue", "list", "{}", "--tag", "[a]"}) == 0);
    CHECK(storage->enqueued.at(0).at(0).kind == "list");
    CHECK(storage->enqueued.at(0).at(0).tags == std::vector<std::string>{"[a]"});
}

TEST_CASE_FIXTURE(CliFixture, "enqueue: args come from standard input for -")
{
    in_stream.str("{\"a\":\n 1}\n");

    CHECK(run({"enqueue", "k", "-", "--json"}) == 0);
    CHECK(storage->enqueued.at(0).at(0).args == "{\"a\":\n 1}\n");
    CHECK(out == "{\"id\":1,\"existing\":false}\n");
}

TEST_CASE_FIXTURE(
    CliFixture, "enqueue: bad input is refused with the name of the field, and nothing is added")
{
    CHECK(run({"enqueue", "k", "{a: 1}"}) == 2);
    CHECK(
        err == "jobrunner: args: is no JSON: column 2: a member's name in double quotes was expected here\n");
    CHECK(run({"enqueue", "k", "[]"}) == 2);
    CHECK(run({"enqueue"}) == 2);
    CHECK(run({"enqueue", "k", "--priority", "1e3"}) == 2);
    CHECK(err == "jobrunner: --priority: is \"1e3\"; a whole number from -32768 to 32767 was expected\n");
    CHECK(run({"enqueue", "k", "--in", "1m", "--at", "2m"}) == 2);
    CHECK(run({"enqueue", "k", "--at", "whenever"}) == 2);
    CHECK(run({"enqueue", "k", "--on-conflict", "explode"}) == 2);
    CHECK(run({"enqueue", "a\nb"}) == 2);
    CHECK(run({"enqueue", "k", "--wait", "--file", "x"}) == 2);
    CHECK(run({"enqueue", "k", "--file", (directory / "absent").string()}) == 2);
    CHECK(storage->enqueued.empty());
}

TEST_CASE_FIXTURE(
    CliFixture, "enqueue: a kind that the configuration does not have is pointed out, and added")
{
    const auto file = write("a.toml", "[kinds.\"mail.send\"]\ncommand = [\"true\"]\n");

    CHECK(run({"enqueue", "mail.sned", "--config", file}) == 0);
    CHECK(err.find("was \"mail.send\" meant?") != std::string::npos);
    CHECK(out == "1\n");
}

TEST_CASE_FIXTURE(CliFixture, "enqueue --wait: exits 0 only if the job completed")
{
    on_sleep = [this] {
        storage->jobs.rbegin()->second.state = JobState::dead;
        storage->jobs.rbegin()->second.error = "no\x1b[2J luck\nat line 1";
    };
    CHECK(run({"enqueue", "k", "--wait"}) == 1);
    CHECK(out == "1\n1 dead: no\\x1b[2J luck\n");
    on_sleep = [this] { storage->jobs.rbegin()->second.state = JobState::completed; };
    CHECK(run({"enqueue", "k", "--wait"}) == 0);
    CHECK(out == "2\n2 completed\n");
}

TEST_CASE_FIXTURE(CliFixture, "enqueue --file: nothing is added when one line is bad")
{
    const auto file = write("jobs.jsonl", "{\"kind\": \"a\"}\n{\"kind\": 1}\n");

    CHECK(run({"enqueue", "--file", file}) == 2);
    CHECK(err == "jobrunner: " + file + ":2: kind: a string was expected\n");
    CHECK(storage->enqueued.empty());
}

TEST_CASE_FIXTURE(CliFixture, "enqueue --file: flags are the lines' defaults, --json names line and id")
{
    in_stream.str("{\"args\": {\"n\": 1}}\n\n{\"kind\": \"b\", \"queue\": \"fast\"}\n");

    CHECK(run({"enqueue", "a", "--file", "-", "--queue", "bulk", "--json"}) == 0);
    CHECK(out == "{\"line\":1,\"id\":1,\"existing\":false}\n{\"line\":3,\"id\":2,\"existing\":false}\n");
    const auto& jobs = storage->enqueued.at(0);
    CHECK(jobs.at(0).kind == "a");
    CHECK(jobs.at(0).queue == "bulk");
    CHECK(jobs.at(1).queue == "fast");
    CHECK(err.empty());
}

TEST_CASE_FIXTURE(CliFixture, "list: a table for people, filtered")
{
    storage->add(7, JobState::dead).error = "Boom: \x1b[31m\nmore";
    storage->add(8, JobState::available).args = R"({"path": "/tmp/a"})";
    storage->add(9, JobState::available, "other");

    CHECK(run({"list", "--kind", "mail.send"}) == 0);
    CHECK(out ==
        "ID  STATE      KIND       QUEUE    ATTEMPT  WHEN               ERROR OR ARGS\n"
        " 8  available  mail.send  default        0  09:00:00 (1h ago)  {\"path\": \"/tmp/a\"}\n"
        " 7  dead       mail.send  default        0  09:00:00 (1h ago)  Boom: \\x1b[31m\n");
}

TEST_CASE_FIXTURE(CliFixture, "list: on a terminal no line is wider than it")
{
    storage->add(7, JobState::available).args = R"({"path": ")" + std::string(500, 'x') + R"("})";
    host.out_width = 90;

    CHECK(run({"list"}) == 0);
    std::istringstream lines(out);
    for (std::string line; std::getline(lines, line);) {
        CHECK(line.size() <= 90 + 2); // the ellipsis has three bytes
    }
}

TEST_CASE_FIXTURE(CliFixture, "list: with --json each job is a line, and an empty list is empty")
{
    CHECK(run({"list", "--json"}) == 0);
    CHECK(out.empty());
    storage->add(9007199254740993, JobState::available).args = "{\"n\":\n1.0}";
    storage->add(1, JobState::dead);

    CHECK(run({"list", "--json", "--limit", "1"}) == 0);
    CHECK(out.starts_with("{\"id\":9007199254740993,"));
    CHECK(out.find("\"args\":{\"n\": 1.0}") != std::string::npos);
    CHECK(std::count(out.begin(), out.end(), '\n') == 1);
}

TEST_CASE_FIXTURE(CliFixture, "list: --since takes a length or a time")
{
    storage->add(1, JobState::available).created_at = "2026-01-31T09:49:00.000Z";
    storage->add(2, JobState::available).created_at = "2026-01-31T09:51:00.000Z";

    CHECK(run({"list", "--since", "10m", "--json"}) == 0);
    CHECK(out.starts_with("{\"id\":2,"));
    CHECK(std::count(out.begin(), out.end(), '\n') == 1);
    CHECK(run({"list", "--since", "2026-01-31T09:00:00Z", "--json"}) == 0);
    CHECK(std::count(out.begin(), out.end(), '\n') == 2);
    CHECK(run({"list", "--limit", "0"}) == 2);
}

TEST_CASE_FIXTURE(CliFixture, "show: the job, its attempts and the end of its output")
{
    auto& job = storage->add(7, JobState::dead);
    job.error = "exit 1";
    job.output = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\x1b[2J\n";
    storage->attempt_rows[7].push_back({});
    storage->attempt_rows[7][0].outcome = "failed";
    storage->attempt_rows[7][0].exit_code = 1;

    CHECK(run({"show", "7"}) == 0);
    CHECK(out.find("state     dead\n") != std::string::npos);
    CHECK(out.find("exit 1") != std::string::npos);
    CHECK(out.ends_with("\nend of the output:\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\\x1b[2J\n"));
    CHECK(run({"show", "7", "--json"}) == 0);
    CHECK(out.find("\"attempts\":[{\"fence\":0,") != std::string::npos);
    CHECK(run({"show", "8"}) == 3);
    CHECK(err == "jobrunner: job 8 is not found\n");
}

TEST_CASE_FIXTURE(CliFixture, "show: what a job last said of itself")
{
    storage->add(7, JobState::running);
    storage->progress_rows[7] = {.fence = 2,
        .updated_at = "2026-01-31T09:00:00.000Z",
        .percent = 55.5,
        .note = "half\x1b[2J way",
        .checkpoint = R"({"row": 12345678901234567890.5})"};

    CHECK(run({"show", "7"}) == 0);
    CHECK(out.find("55.5%, half\\x1b[2J way\n") != std::string::npos);
    CHECK(out.find("12345678901234567890.5") != std::string::npos);
    CHECK(run({"show", "7", "--json"}) == 0);
    CHECK(out.find(R"("percent":55.5,)") != std::string::npos);
    CHECK(out.find("12345678901234567890.5") != std::string::npos);

    storage->progress_rows[7] = {.fence = 2, .updated_at = {}, .percent = 40, .note = {}, .checkpoint = {}};
    CHECK(run({"show", "7"}) == 0);
    CHECK(out.find(" 40%\n") != std::string::npos);
    storage->progress_rows.clear();
    CHECK(run({"show", "7"}) == 0);
    CHECK(out.find("progress") == std::string::npos);
    CHECK(run({"show", "7", "--json"}) == 0);
    CHECK(out.find(R"("progress":null)") != std::string::npos);
}

TEST_CASE_FIXTURE(CliFixture, "show: the backtrace of the last attempt that left one")
{
    storage->add(7, JobState::available);
    storage->attempt_rows[7].resize(3);
    storage->attempt_rows[7][0].backtrace = "an older one\n";
    storage->attempt_rows[7][1].fence = 2;
    storage->attempt_rows[7][1].backtrace = "mailer.rb:3\nmain.rb:1\x1b[2J\n";

    CHECK(run({"show", "7"}) == 0);
    CHECK(out.ends_with("\nbacktrace of run 2:\nmailer.rb:3\nmain.rb:1\\x1b[2J\n"));
    CHECK(out.find("an older one") == std::string::npos);
    CHECK(run({"show", "7", "--json"}) == 0);
    CHECK(out.find(R"("backtrace":"an older one\u000a")") != std::string::npos);
}

TEST_CASE_FIXTURE(CliFixture, "logs --follow: prints until the job has finished")
{
    auto& job = storage->add(7, JobState::running);
    job.fence = 1;
    storage->chunks[7] = {{1, 0, "", "out", "begin\t\x1b]0;x\x07\n"}};
    on_sleep = [this] {
        storage->jobs[7].state = JobState::completed;
        storage->jobs[7].output = "begin\t\x1b]0;x\x07\nend\n";
        storage->chunks.clear();
    };

    CHECK(run({"logs", "7", "--follow"}) == 0);
    CHECK(out == "begin\t\\x1b]0;x\\x07\nend\n");
}

TEST_CASE_FIXTURE(CliFixture, "logs --follow: ends when nobody reads any more")
{
    storage->add(7, JobState::running).fence = 1;
    host.reader_gone = [] { return true; };

    CHECK(run({"logs", "7", "--follow"}) == 0);
}

TEST_CASE_FIXTURE(CliFixture, "wait: exits 0 only if all jobs completed")
{
    storage->add(1, JobState::completed);
    storage->add(2, JobState::cancelled).reason = "expired";

    CHECK(run({"wait", "1"}) == 0);
    CHECK(out == "1 completed\n");
    CHECK(run({"wait", "1", "2"}) == 1);
    CHECK(out == "1 completed\n2 cancelled: expired\n");
    CHECK(run({"wait", "3"}) == 3);
    storage->add(4, JobState::running);
    CHECK(run({"wait", "4", "--timeout", "2s"}) == 1);
    CHECK(err == "jobrunner: still unfinished after 2s\n");
}
