#include "cli_fixture.hpp"

#include <doctest/doctest.h>

using namespace jobrunner;
using jobrunner::tests::CliFixture;

TEST_CASE_FIXTURE(CliFixture, "cancel: by ids, each counted once, signed with who asks")
{
    storage->add(1, JobState::available);
    storage->add(2, JobState::running);

    CHECK(run({"cancel", "1", "2", "1"}) == 0);
    CHECK(out == "2 jobs cancelled, 1 of them running: were asked to stop\n");
    CHECK(storage->acted_ids == std::vector<std::vector<JobId>>{{1, 2}});
    CHECK(storage->commands.at(0).actor == "ada@host");
}

TEST_CASE_FIXTURE(
    CliFixture, "cancel: what cannot be done has its own exit status, and does not stop the others")
{
    storage->add(1, JobState::completed);
    storage->add(2, JobState::available);

    CHECK(run({"cancel", "2", "9"}) == 3);
    CHECK(err == "jobrunner: job 9 is not found\n");
    CHECK(out == "1 job cancelled\n");
    CHECK(run({"cancel", "1", "9"}) == 4);
    CHECK(err.starts_with("jobrunner: job 1: cancel is not possible: it is completed\n"));
    CHECK(run({"cancel", "1", "2", "--json"}) == 4);
    CHECK(out ==
        R"({"id":1,"action":"cancel","dry_run":false,"result":"not_possible","message":"it is completed"})"
        "\n"
        R"({"id":2,"action":"cancel","dry_run":false,"result":"done","message":null})"
        "\n");
}

TEST_CASE_FIXTURE(CliFixture, "actions: some jobs must be named, in one way")
{
    storage->add(1, JobState::available);

    CHECK(run({"cancel"}) == 2);
    CHECK(run({"cancel", "1", "--kind", "x"}) == 2);
    CHECK(run({"delete", "--dry-run"}) == 2);
    CHECK(storage->acted_ids.empty());
    CHECK(run({"cancel", "--all"}) == 0);
    CHECK(storage->acted_ids.size() == 1);
}

TEST_CASE_FIXTURE(
    CliFixture, "actions: filters that match nothing are no failure, ones that match only the impossible are")
{
    storage->add(1, JobState::completed);

    CHECK(run({"cancel", "--kind", "mail.send"}) == 0);
    CHECK(out == "0 jobs cancelled\n");
    CHECK(run({"cancel", "--state", "completed"}) == 4);
}

TEST_CASE_FIXTURE(CliFixture, "limits: set, listed and removed, signed with who asks")
{
    CHECK(run({"limits", "set", "kind", "mail.send", "--at-most", "3", "--rate", "100/1m30s"}) == 0);
    CHECK(out == "set  kind mail.send\n");
    REQUIRE(storage->limit_rows.size() == 1);
    CHECK(storage->limit_rows[0].limit.scope == LimitScope::kind);
    CHECK(storage->limit_rows[0].limit.at_most == 3);
    CHECK(storage->limit_rows[0].limit.starts == 100);
    CHECK(storage->limit_rows[0].limit.period == std::chrono::seconds(90));
    storage->limit_rows[0].running = 2;
    storage->limit_rows[0].started = 40;
    storage->limit_rows[0].waiting = limit_waiting_max;

    CHECK(run({"limits"}) == 0);
    CHECK(out ==
        "SCOPE  NAME       RUNNING    STARTED  WITHIN   WAITING\n"
        "kind   mail.send   2 of 3  40 of 100   1m30s  >= 10000\n");
    CHECK(run({"limits", "--json"}) == 0);
    CHECK(out ==
        R"({"scope":"kind","name":"mail.send","at_most":3,"starts":100,"period_ms":90000,"running":2,"started":40,"waiting":10000})"
        "\n");

    CHECK(run({"limits", "remove", "kind", "mail.send"}) == 0);
    CHECK(run({"limits", "remove", "kind", "mail.send"}) == 3);
    CHECK(err == "jobrunner: limit of kind \"mail.send\" is not found\n");
    CHECK(storage->limit_calls ==
        std::vector<std::string>{"set kind mail.send by ada@host", "remove kind mail.send by ada@host",
            "remove kind mail.send by ada@host"});
}

TEST_CASE_FIXTURE(CliFixture, "limits: what limits nothing, or something else, is refused")
{
    for (const auto& wrong :
        std::vector<std::vector<std::string>>{{"tag", "x", "--at-most", "1"}, {"kind", "x"},
            {"kind", "x", "--at-most", "-1"}, {"kind", "x", "--rate", "5"}, {"kind", "x", "--rate", "0/1s"},
            {"kind", "x", "--rate", "5/40d"}, {"kind", "x", "--rate", "5/soon"},
            {"key", "", "--at-most", "1"}, {"kind", std::string(129, 'x'), "--at-most", "1"},
            {"key", std::string(513, 'x'), "--at-most", "1"}}) {
        std::vector<std::string> words{"limits", "set"};
        words.insert(words.end(), wrong.begin(), wrong.end());
        CAPTURE(wrong[1]);
        CHECK(run(words) == 2);
    }
    CHECK(storage->limit_rows.empty());
}

TEST_CASE_FIXTURE(CliFixture, "explain: names the limit that holds a job back, and who has its room")
{
    storage->add(7, JobState::blocked);
    storage->facts = WaitFacts{};
    storage->facts->due = true;
    storage->facts->held = true;
    storage->facts->limit = Limit{.scope = LimitScope::key,
        .name = "customer:*",
        .at_most = 2,
        .starts = 1,
        .period = std::chrono::seconds(1)};
    storage->facts->holders = {"3", "5"};

    CHECK(run({"explain", "7"}) == 0);
    CHECK(out.find(
              "the limit of key \"customer:*\" is 2 at once and 1 start within 1s; under it run job 3, 5") !=
        std::string::npos);

    storage->facts->limit.reset();
    CHECK(run({"explain", "7"}) == 0);
    CHECK(out.find("was removed") != std::string::npos);
}

TEST_CASE_FIXTURE(CliFixture, "dry run: counts and lists, and changes nothing")
{
    for (JobId id = 1; id <= 120; ++id) {
        storage->add(id, JobState::dead);
    }

    CHECK(run({"delete", "--state", "dead", "--dry-run"}) == 0);
    CHECK(out.find("\n120  dead ") != std::string::npos);
    CHECK(out.ends_with("and 20 more (--json lists all)\n120 jobs would be deleted\n"));
    CHECK(run({"retry", "--kind", "mail.send", "-n", "--json"}) == 0);
    CHECK(std::count(out.begin(), out.end(), '\n') == 120);
    CHECK(run({"cancel", "1", "999", "-n"}) == 4);
    CHECK(storage->acted_ids.empty());
    CHECK(storage->jobs.size() == 120);
}

TEST_CASE_FIXTURE(CliFixture, "reschedule: to a time or a length from now, never both")
{
    storage->add(1, JobState::scheduled);

    CHECK(run({"reschedule", "1", "--in", "10m"}) == 0);
    CHECK(storage->commands.back().run_in == std::chrono::minutes(10));
    CHECK(run({"reschedule", "1", "--at", "2026-02-01T00:00Z"}) == 0);
    CHECK(storage->commands.back().run_at == "2026-02-01T00:00:00.000Z");
    CHECK(run({"reschedule", "1", "--at", "1h"}) == 0);
    CHECK(storage->commands.back().run_in == std::chrono::hours(1));
    CHECK(run({"reschedule", "1"}) == 2);
    CHECK(run({"reschedule", "1", "--in", "1m", "--at", "2m"}) == 2);
}

TEST_CASE_FIXTURE(CliFixture, "edit: the changes are an object of columns, args as they are written")
{
    storage->add(1, JobState::available);

    CHECK(run({"edit", "1", "--args", R"({"n": 1.10})", "--priority", "-3", "--queue", "bulk",
              "--max-attempts", "4", "--timeout", "1m30s", "--tag", "a,b", "--meta", "{}"}) == 0);
    CHECK(storage->commands.at(0).changes ==
        R"({"args":{"n": 1.10},"priority":-3,"queue":"bulk","max_attempts":4,"timeout":90.000,"tags":["a","b"],"meta":{}})");
    CHECK(out == "1 job edited\n");
    CHECK(run({"edit", "1"}) == 2);
    CHECK(run({"edit", "1", "--args", "[]"}) == 2);
    CHECK(run({"edit", "1", "--priority", "99999"}) == 2);
    CHECK(storage->commands.size() == 1);
}

TEST_CASE_FIXTURE(CliFixture, "edit: old queue and tag are filters under other names")
{
    storage->add(1, JobState::available).queue = "bulk";
    storage->add(2, JobState::available);

    CHECK(run({"edit", "--from-queue", "bulk", "--queue", "default"}) == 0);
    CHECK(storage->acted_ids == std::vector<std::vector<JobId>>{{1}});
}

TEST_CASE_FIXTURE(CliFixture, "queues: listed, paused, resumed and set")
{
    QueueRow mail;
    mail.queue = "mail";
    mail.paused = true;
    mail.available = 3;
    storage->queue_rows.push_back(mail);

    CHECK(run({"queues"}) == 0);
    CHECK(out.find("mail   yes         3") != std::string::npos);
    CHECK(run({"queues", "--json"}) == 0);
    CHECK(out.starts_with(R"({"queue":"mail","paused":true,"available":3,)"));
    CHECK(run({"queues", "pause", "mail"}) == 0);
    CHECK(run({"queues", "resume", "mail"}) == 0);
    CHECK(run({"queues", "set", "mail", "--slots", "5"}) == 0);
    CHECK(storage->queue_calls ==
        std::vector<std::string>{
            "pause mail by ada@host", "resume mail by ada@host", "set mail slots 5 weight -1 by ada@host"});
    CHECK(run({"queues", "set", "mail"}) == 2);
    CHECK(run({"queues", "pause"}) == 2);
    CHECK(run({"queues", "pause", ""}) == 2);
}

TEST_CASE_FIXTURE(CliFixture, "workers: those that have left are shown only with --all")
{
    storage->worker_rows.resize(2);
    storage->worker_rows[0].id = 1;
    storage->worker_rows[0].state = "running";
    storage->worker_rows[1].id = 2;
    storage->worker_rows[1].state = "gone";

    CHECK(run({"workers", "--json"}) == 0);
    CHECK(std::count(out.begin(), out.end(), '\n') == 1);
    CHECK(run({"workers", "--json", "--all"}) == 0);
    CHECK(std::count(out.begin(), out.end(), '\n') == 2);
    CHECK(run({"workers"}) == 0);
    CHECK(out.find("running") != std::string::npos);
}

TEST_CASE_FIXTURE(
    CliFixture, "workers: a service that does not start is said below the table, fit for a terminal")
{
    storage->worker_rows.resize(2);
    storage->worker_rows[0].name = "mail-1";
    storage->worker_rows[0].state = "running";
    storage->worker_rows[0].report =
        R"({"held_back":[{"service":"mailer","kinds":["mail.send","mail.digest"],)"
        R"("failures":3,"error":"it exited with 7: \u001b[2J"}]})";
    storage->worker_rows[1].name = "mail-2";
    storage->worker_rows[1].state = "running";

    CHECK(run({"workers"}) == 0);

    CHECK(out.find("mail-1 holds back mail.send, mail.digest: service mailer does not start (failures: 3): "
                   "it exited with 7: \\x1b[2J\n") != std::string::npos);
    CHECK(out.find("mail-2 holds back") == std::string::npos);
    CHECK(run({"workers", "--json"}) == 0);
    CHECK(out.find(R"("report":{"held_back":[{)") != std::string::npos);
}

TEST_CASE_FIXTURE(CliFixture, "stats: means are per completed job, --since narrows")
{
    storage->stats_rows.push_back({.kind = "k", .completed = 4, .run_ms = 8000, .wait_ms = 2000});

    CHECK(run({"stats", "--since", "1h"}) == 0);
    CHECK(storage->stats_over == std::chrono::hours(1));
    CHECK(out.find("2s") != std::string::npos);
    CHECK(out.find("500ms") != std::string::npos);
    CHECK(run({"stats", "--since", "2026-01-31T09:30:00Z"}) == 0);
    CHECK(storage->stats_over == std::chrono::minutes(30));
}

TEST_CASE_FIXTURE(CliFixture, "dead: grouped by error, one kind alone if asked")
{
    storage->dead_rows = {
        {"a", "f1", 3, 12, "2026-01-31T09:00:00.000Z", "boom\x1b[2J"}, {"b", "f2", 1, 13, "", "bang"}};

    CHECK(run({"dead"}) == 0);
    CHECK(out.find("boom\\x1b[2J") != std::string::npos);
    CHECK(run({"dead", "--kind", "b", "--json"}) == 0);
    CHECK(out ==
        R"({"kind":"b","fingerprint":"f2","jobs":1,"newest":13,"newest_at":"","error":"bang"})"
        "\n");
}

TEST_CASE_FIXTURE(CliFixture, "prune: in batches until nothing is left, dead jobs only when named")
{
    storage->prunable = 2500;

    CHECK(run({"prune", "--older-than", "30d"}) == 0);
    CHECK(out == "2500 jobs deleted\n");
    CHECK(storage->pruned_states == std::vector{JobState::completed, JobState::cancelled});
    CHECK(run({"prune", "--older-than", "30d", "--state", "dead"}) == 0);
    CHECK(storage->pruned_states == std::vector{JobState::dead});
    CHECK(run({"prune", "--older-than", "30d", "--state", "running"}) == 2);
    CHECK(run({"prune"}) == 2);
}
