// What operators do to jobs, in each state that a job may be in.
#include "storage/storage_fixture.hpp"

#include <map>

using namespace jobrunner;
using namespace jobrunner::tests;

namespace {

const std::vector<JobState> reachable_states{JobState::available, JobState::scheduled, JobState::running,
    JobState::retryable, JobState::completed, JobState::cancelled, JobState::dead};

RunReport end_for(JobState state)
{
    return state == JobState::retryable ? ended(RunEnd::failed, "boom")
        : state == JobState::dead       ? ended(RunEnd::failed_for_good, "boom")
        : state == JobState::cancelled  ? ended(RunEnd::cancelled)
                                        : succeeded("1");
}

// A job that has come to this state in the ordinary way.
JobId job_in(StorageFixture& db, JobState state)
{
    NewJob job{.kind = "email", .args = R"({"n": 1})"};
    if (state == JobState::scheduled) {
        job.run_in = 1h;
    }
    const JobId id = db.enqueue(job);
    if (state == JobState::available || state == JobState::scheduled) {
        return id;
    }
    const ClaimedJob claimed = db.claim_one(alice);
    if (state != JobState::running) {
        REQUIRE(db.settle(claimed, end_for(state)) == Settled::applied);
    }
    REQUIRE(db.state(id) == state);
    return id;
}

struct Expected {
    ActionResult result;
    std::optional<JobState> after; // unset: the job is gone
};

// Does `act` to a job in every state, and checks the answer and the state afterwards.
void check_every_state(StorageFixture& db, const std::map<JobState, Expected>& expected,
    const std::function<ActionOutcome(JobId)>& act)
{
    for (const auto state : reachable_states) {
        CAPTURE(std::string(to_string(state)));
        const JobId id = job_in(db, state);
        const auto audited = std::stoi(db.backend->row("SELECT count(*) FROM operator_audit"));

        const ActionOutcome outcome = act(id);

        const Expected& wanted = expected.at(state);
        CHECK(outcome.result == wanted.result);
        CHECK(outcome.message.empty() == (wanted.result != ActionResult::not_possible));
        const auto found = db.storage->find(id);
        REQUIRE(found.has_value() == wanted.after.has_value());
        if (found) {
            CHECK(std::string(to_string(found->state)) == to_string(*wanted.after));
        }
        const bool acted = wanted.result == ActionResult::done || wanted.result == ActionResult::requested;
        CHECK(std::stoi(db.backend->row("SELECT count(*) FROM operator_audit")) == audited + (acted ? 1 : 0));
        db.backend->run_sql("DELETE FROM jobs");
    }
}

ActionOutcome command(StorageFixture& db, JobCommand command, JobId id)
{
    command.actor = "tester";
    return db.storage->act(command, {&id, 1}).at(0);
}

constexpr auto done = ActionResult::done;
constexpr auto not_possible = ActionResult::not_possible;

} // namespace

STORAGE_TEST("cancel: in every state")
{
    check_every_state(db,
        {{JobState::available, {done, JobState::cancelled}},
            {JobState::scheduled, {done, JobState::cancelled}},
            {JobState::running, {ActionResult::requested, JobState::running}},
            {JobState::retryable, {done, JobState::cancelled}},
            {JobState::completed, {not_possible, JobState::completed}},
            {JobState::cancelled, {not_possible, JobState::cancelled}},
            {JobState::dead, {not_possible, JobState::dead}}},
        [&](JobId id) { return command(db, {.action = JobAction::cancel}, id); });
}

STORAGE_TEST("retry: in every state")
{
    check_every_state(db,
        {{JobState::available, {done, JobState::available}},
            {JobState::scheduled, {done, JobState::available}},
            {JobState::running, {not_possible, JobState::running}},
            {JobState::retryable, {done, JobState::available}},
            {JobState::completed, {done, JobState::available}},
            {JobState::cancelled, {done, JobState::available}},
            {JobState::dead, {done, JobState::available}}},
        [&](JobId id) { return command(db, {.action = JobAction::retry}, id); });
}

STORAGE_TEST("delete: in every state")
{
    check_every_state(db,
        {{JobState::available, {done, std::nullopt}}, {JobState::scheduled, {done, std::nullopt}},
            {JobState::running, {not_possible, JobState::running}},
            {JobState::retryable, {done, std::nullopt}}, {JobState::completed, {done, std::nullopt}},
            {JobState::cancelled, {done, std::nullopt}}, {JobState::dead, {done, std::nullopt}}},
        [&](JobId id) { return command(db, {.action = JobAction::remove}, id); });
}

STORAGE_TEST("reschedule: in every state, into the future")
{
    check_every_state(db,
        {{JobState::available, {done, JobState::scheduled}},
            {JobState::scheduled, {done, JobState::scheduled}},
            {JobState::running, {not_possible, JobState::running}},
            {JobState::retryable, {done, JobState::retryable}},
            {JobState::completed, {not_possible, JobState::completed}},
            {JobState::cancelled, {not_possible, JobState::cancelled}},
            {JobState::dead, {not_possible, JobState::dead}}},
        [&](JobId id) { return command(db, {.action = JobAction::reschedule, .run_in = 2h}, id); });
}

STORAGE_TEST("edit: in every state")
{
    check_every_state(db,
        {{JobState::available, {done, JobState::available}},
            {JobState::scheduled, {done, JobState::scheduled}},
            {JobState::running, {not_possible, JobState::running}},
            {JobState::retryable, {done, JobState::retryable}},
            {JobState::completed, {not_possible, JobState::completed}},
            {JobState::cancelled, {not_possible, JobState::cancelled}},
            {JobState::dead, {not_possible, JobState::dead}}},
        [&](JobId id) {
            return command(db, {.action = JobAction::edit, .changes = R"({"priority": 3})"}, id);
        });
}

STORAGE_TEST("act: a job that does not exist is not found, and stops no other")
{
    const JobId id = db.enqueue();
    const std::vector<JobId> ids{id + 100, id, id + 101};

    for (const auto action : {JobAction::retry, JobAction::reschedule, JobAction::edit, JobAction::cancel}) {
        JobCommand wanted{.action = action, .run_in = 0ms, .actor = "tester"};
        const auto outcomes = db.storage->act(wanted, ids);
        REQUIRE(outcomes.size() == 3);
        CHECK(outcomes[0].result == ActionResult::not_found);
        CHECK(outcomes[1].result == ActionResult::done);
        CHECK(outcomes[2].result == ActionResult::not_found);
    }
    CHECK(db.storage->act({.action = JobAction::cancel}, {}).empty());
}

STORAGE_TEST("act: the trail names who did what to which job, and no payload")
{
    const JobId id = db.enqueue({.kind = "email", .args = R"({"password": "hunter2"})"});
    const auto last = [&] {
        return db.backend->row("SELECT actor, action, job_id FROM operator_audit ORDER BY id DESC");
    };
    const std::string job = "|" + std::to_string(id);

    static_cast<void>(command(db, {.action = JobAction::reschedule, .run_in = 1h}, id));
    CHECK(last() == "tester|reschedule" + job);
    static_cast<void>(
        command(db, {.action = JobAction::edit, .changes = R"({"args": {"password": "hunter3"}})"}, id));
    CHECK(last() == "tester|edit" + job);
    static_cast<void>(command(db, {.action = JobAction::retry}, id));
    CHECK(last() == "tester|retry" + job);
    static_cast<void>(command(db, {.action = JobAction::cancel}, id));
    CHECK(last() == "tester|cancel" + job);
    static_cast<void>(command(db, {.action = JobAction::remove}, id));
    CHECK(last() == "tester|delete" + job);
    for (const auto& row : db.backend->rows("SELECT details FROM operator_audit")) {
        CHECK(row.find("hunter") == std::string::npos);
    }
}

STORAGE_TEST("cancel: a waiting job says who cancelled it and keeps its attempts")
{
    const JobId id = job_in(db, JobState::retryable);

    CHECK(db.act(JobAction::cancel, id).result == done);

    CHECK(db.job(id).reason == "cancelled by tester");
    CHECK(db.outcomes(id) == std::vector<std::string>{"failed"});
    CHECK(db.claim(alice, 10).empty());
}

STORAGE_TEST("retry: a dead job has all its attempts again, and keeps its past")
{
    const JobId id = job_in(db, JobState::dead);

    CHECK(db.act(JobAction::retry, id).result == done);

    const JobRow row = db.job(id);
    CHECK(row.attempt == 0);
    CHECK(row.fence == 1);
    CHECK_FALSE(row.finished_at.has_value());
    CHECK(db.outcomes(id) == std::vector<std::string>{"failed"});
    const ClaimedJob again = db.claim_one(bob);
    CHECK(again.token.job == id);
    CHECK(again.token.fence == 2);
    CHECK(again.attempt == 1);
    CHECK(again.args.find("\"n\"") != std::string::npos);
    REQUIRE(db.settle(again, succeeded()) == Settled::applied);
    CHECK(db.state(id) == JobState::completed);
    CHECK(db.outcomes(id) == std::vector<std::string>{"failed"});
    CHECK(db.storage->list({}).size() == 1);
}

STORAGE_TEST("retry: every column that the application set is there again")
{
    NewJob wanted{.kind = "email", .args = R"({"n": 12345678901234567890.123})"};
    wanted.queue = "slow";
    wanted.priority = 4;
    wanted.max_attempts = 9;
    wanted.timeout = 1500ms;
    wanted.unique_key = "key";
    wanted.concurrency_key = "c";
    wanted.cost = 5;
    wanted.fair_key = "f";
    wanted.affinity_key = "a";
    wanted.tags = {"x", "y"};
    wanted.meta = R"({"m": 1})";
    wanted.traceparent = "00-1-2-01";
    const JobId id = db.enqueue(wanted);
    const auto claimed = db.claim(alice, 1, {"slow", 4});
    REQUIRE(claimed.size() == 1);
    REQUIRE(db.settle(claimed[0], ended(RunEnd::failed_for_good)) == Settled::applied);

    REQUIRE(db.act(JobAction::retry, id).result == done);

    const JobRow row = db.job(id);
    CHECK(row.args.find("12345678901234567890.123") != std::string::npos);
    CHECK(row.queue == "slow");
    CHECK(row.priority == 4);
    CHECK(row.max_attempts == 9);
    CHECK(row.timeout == 1500ms);
    CHECK(row.unique_key == "key");
    CHECK(row.tags == wanted.tags);
    CHECK(row.meta.find("\"m\"") != std::string::npos);
    CHECK(db.backend->row("SELECT concurrency_key, cost, fair_key, affinity_key, traceparent FROM jobs") ==
        "c|5|f|a|00-1-2-01");
}

STORAGE_TEST("retry: not possible while another job holds the unique key")
{
    NewJob keyed{.kind = "email"};
    keyed.unique_key = "key";
    const JobId dead = db.enqueue(keyed);
    db.bury(dead);
    const JobId holder = db.enqueue(keyed);
    const JobId free = db.enqueue();
    const std::vector<JobId> ids{dead, free};

    const auto outcomes = db.storage->act({.action = JobAction::retry, .actor = "tester"}, ids);

    CHECK(outcomes[0].result == not_possible);
    CHECK(outcomes[0].message.find("unique_key") != std::string::npos);
    CHECK(outcomes[1].result == done);
    CHECK(db.state(dead) == JobState::dead);
    CHECK(db.state(holder) == JobState::available);
    CHECK(db.outcomes(dead) == std::vector<std::string>{"failed"});
}

STORAGE_TEST("reschedule: to now or to the past, the job may run at once")
{
    for (const auto state : {JobState::available, JobState::scheduled, JobState::retryable}) {
        for (const auto* when : {"now", "past"}) {
            CAPTURE(std::string(to_string(state)));
            CAPTURE(std::string(when));
            const JobId id = job_in(db, state);
            JobCommand wanted{.action = JobAction::reschedule};
            if (std::string_view(when) == "past") {
                wanted.run_at = "2001-01-01T00:00:00.000Z";
            } else {
                wanted.run_in = 0ms;
            }

            CHECK(command(db, wanted, id).result == done);

            static_cast<void>(db.storage->promote(10));
            CHECK(db.state(id) == JobState::available);
            const ClaimedJob job = db.claim_one(alice);
            CHECK(job.token.job == id);
            CHECK(db.settle(job, succeeded()) == Settled::applied);
        }
    }
}

STORAGE_TEST("reschedule: to an instant")
{
    const JobId id = db.enqueue();

    CHECK(command(db, {.action = JobAction::reschedule, .run_at = "2033-03-03T03:03:03.000Z"}, id).result ==
        done);

    CHECK(db.job(id).run_at == "2033-03-03T03:03:03.000Z");
    CHECK(db.state(id) == JobState::scheduled);
    CHECK(db.claim(alice, 10).empty());
}

STORAGE_TEST("edit: changes what is named and leaves the rest")
{
    NewJob wanted{.kind = "email", .args = R"({"a": 1})"};
    wanted.tags = {"old"};
    const JobId id = db.enqueue(wanted);

    const auto outcome = command(db,
        {.action = JobAction::edit,
            .changes =
                R"({"args": {"b": 12345678901234567890.5}, "queue": "slow", "priority": -2, "max_attempts": 4})"},
        id);

    CHECK(outcome.result == done);
    const JobRow row = db.job(id);
    CHECK(row.args.find("12345678901234567890.5") != std::string::npos);
    CHECK(row.args.find("\"a\"") == std::string::npos);
    CHECK(row.queue == "slow");
    CHECK(row.priority == -2);
    CHECK(row.max_attempts == 4);
    CHECK(row.tags == std::vector<std::string>{"old"});
    CHECK(db.claim(alice, 1, {"slow", -2}).size() == 1);
}

STORAGE_TEST("edit: bad values and unknown columns are refused by name")
{
    const JobId id = db.enqueue({.kind = "email", .args = R"({"a": 1})"});

    for (const auto& [field, changes] : {std::pair{"args", R"({"args": []})"}, {"queue", R"({"queue": ""})"},
             {"fence", R"({"fence": 7})"}, {"id", R"({"id": 7})"}, {"state", R"({"state": "completed"})"},
             {"max_attempts", R"({"max_attempts": 0})"}, {"kind", R"({"kind": null})"}}) {
        CAPTURE(std::string(changes));
        const JobCommand wanted{.action = JobAction::edit, .changes = changes};
        const Error error = db.error_of([&] { static_cast<void>(command(db, wanted, id)); });
        CHECK(error.kind() == ErrorKind::refused);
        CHECK_MESSAGE(std::string(error.what()).find(field) != std::string::npos, std::string(error.what()));
    }
    CHECK(db.job(id).args.find("\"a\"") != std::string::npos);
    CHECK(db.backend->row("SELECT count(*) FROM operator_audit") == "0");
}

STORAGE_TEST("delete: what the job left elsewhere goes with it")
{
    const JobId id = job_in(db, JobState::retryable);
    REQUIRE_FALSE(db.storage->attempts(id).empty());

    CHECK(db.act(JobAction::remove, id).result == done);

    CHECK(db.storage->attempts(id).empty());
    CHECK(db.backend->row("SELECT count(*) FROM attempt_log") == "0");
}

STORAGE_TEST("queues: pausing twice and resuming twice is no error, and leaves a trail")
{
    for (int i = 0; i < 2; ++i) {
        db.storage->pause_queue("mail", "ann");
    }
    REQUIRE(db.storage->queues().size() == 1);
    CHECK(db.storage->queues()[0].queue == "mail");
    CHECK(db.storage->queues()[0].paused);
    for (int i = 0; i < 2; ++i) {
        db.storage->resume_queue("mail", "ben");
    }
    CHECK_FALSE(db.storage->queues().at(0).paused);
    db.storage->resume_queue("never seen", "ben");

    CHECK(
        db.backend->rows("SELECT DISTINCT actor, action, queue FROM operator_audit WHERE queue = 'mail' "
                         "ORDER BY actor") == std::vector<std::string>{"ann|pause|mail", "ben|resume|mail"});
}

STORAGE_TEST("queues: settings stay where they are not named")
{
    db.storage->set_queue("mail", 5, std::nullopt, "ann");
    db.storage->set_queue("mail", std::nullopt, 3, "ann");

    CHECK(db.backend->row("SELECT slots, weight FROM queues WHERE queue = 'mail'") == "5|3");
    CHECK(db.backend->row("SELECT count(*) FROM operator_audit WHERE queue = 'mail'") == "2");
    CHECK(db.error_of([&] { db.storage->set_queue("mail", -1, std::nullopt, "ann"); }).kind() ==
        ErrorKind::refused);
    CHECK(db.error_of([&] { db.storage->set_queue("mail", std::nullopt, 0, "ann"); }).kind() ==
        ErrorKind::refused);
    CHECK(db.error_of([&] { db.storage->pause_queue("", "ann"); }).kind() == ErrorKind::refused);
    CHECK(db.backend->row("SELECT slots, weight FROM queues WHERE queue = 'mail'") == "5|3");
}
