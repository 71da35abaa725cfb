#include "library_fixture.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>

using namespace jobrunner;
using namespace jobrunner::tests;
using namespace std::chrono_literals;

TEST_CASE_FIXTURE(LibraryFixture, "embedded worker: runs handlers by kind, and leaves kinds without one")
{
    Client client(url);
    const auto greeted = client.enqueue(spec_of("greet", R"({"name": "ann"})"));
    const auto other = client.enqueue(spec_of("other"));
    std::string seen;
    EmbeddedWorker worker(settings());
    worker.on("greet", [&](JobContext& job) {
        seen = job.args() + " " + std::to_string(job.attempt()) + " of " + std::to_string(job.max_attempts());
        job.log("said hello");
        return Outcome::done(R"({"greeting": "hello ann"})");
    });

    CHECK(worker.run_until_idle());

    CHECK(seen == R"({"name": "ann"} 1 of 25)");
    CHECK(client.state(greeted) == "completed");
    CHECK(sql("SELECT result ->> 'greeting' || '/' || output FROM all_jobs WHERE id = " +
              std::to_string(greeted)) == "hello ann/said hello\n");
    CHECK(client.state(other) == "available");
}

TEST_CASE_FIXTURE(LibraryFixture, "embedded worker: a handler that throws fails the attempt, with its class")
{
    Client client(url);
    const auto thrown = client.enqueue(spec_of("throws"));
    const auto for_good = client.enqueue(spec_of("refuses"));
    const auto later = client.enqueue(spec_of("waits"));
    const auto odd = client.enqueue(spec_of("no json"));
    EmbeddedWorker worker(settings());
    worker.on("throws", [](JobContext&) { throw std::out_of_range("no such order"); })
        .on("refuses", [](JobContext&) { throw JobFailure::for_good("the address is none"); })
        .on("waits", [](JobContext&) { return Outcome::snooze(1h); })
        .on("no json", [](JobContext&) { return Outcome::done("{half"); });

    CHECK(worker.run_until_idle());

    const auto error = [&](std::int64_t id) {
        return sql("SELECT error_class || ': ' || error FROM attempts WHERE job_id = " + std::to_string(id));
    };
    CHECK(state(thrown) == "retryable");
    CHECK(error(thrown) == "std::out_of_range: no such order");
    CHECK(state(for_good) == "dead");
    CHECK(error(for_good) == "jobrunner::JobFailure: the address is none");
    CHECK(state(later) == "scheduled");
    CHECK(sql("SELECT attempt || ' ' || snoozes FROM all_jobs WHERE id = " + std::to_string(later)) == "0 1");
    CHECK(state(odd) == "retryable");
}

TEST_CASE_FIXTURE(
    LibraryFixture, "embedded worker: complete_in commits the effects and the completion as one")
{
    sql("CREATE TABLE bills (job_id INTEGER PRIMARY KEY)");
    Client client(url);
    const auto id = client.enqueue(spec_of("bill"));
    EmbeddedWorker worker(settings());
    worker.on("bill", [&](JobContext& job) {
        sql("BEGIN IMMEDIATE");
        sql("INSERT INTO bills VALUES (" + std::to_string(job.id()) + ")");
        job.complete_in(database, R"({"billed": true})");
        sql("COMMIT");
    });

    CHECK(worker.run_until_idle());

    CHECK(state(id) == "completed");
    CHECK(sql("SELECT count(*) FROM bills") == "1");
    CHECK(sql("SELECT result ->> 'billed' FROM all_jobs") == "1");
    CHECK(sql("SELECT count(*) FROM attempts") == "0");
}

TEST_CASE_FIXTURE(
    LibraryFixture, "embedded worker: complete_in without a commit is a failed attempt, not a completed job")
{
    sql("CREATE TABLE bills (job_id INTEGER PRIMARY KEY)");
    Client client(url);
    const auto id = client.enqueue(spec_of("bill"));
    EmbeddedWorker worker(settings());
    worker.on("bill", [&](JobContext& job) {
        sql("BEGIN IMMEDIATE");
        sql("INSERT INTO bills VALUES (1)");
        job.complete_in(database);
        sql("ROLLBACK");
    });

    CHECK(worker.run_until_idle());

    CHECK(state(id) == "retryable");
    CHECK(sql("SELECT error FROM attempts").find("not committed") != std::string::npos);
    CHECK(sql("SELECT count(*) FROM bills") == "0");
}

TEST_CASE_FIXTURE(LibraryFixture, "embedded worker: what a failed attempt saved is handed to the next")
{
    Client client(url);
    const auto id = client.enqueue(spec_of("steps"));
    KindSettings settings_of_kind;
    settings_of_kind.backoff_base = 1ms;
    std::string handed;
    EmbeddedWorker worker(settings());
    worker.on(
        "steps",
        [&](JobContext& job) {
            handed += job.checkpoint().value_or("none") + "; ";
            if (job.attempt() == 1) {
                job.progress(40.0, "half way");
                job.save_checkpoint(R"({"page": 7})");
                throw std::runtime_error("lost the line");
            }
        },
        settings_of_kind);

    worker.start();
    while (client.state(id) != "completed") {
        std::this_thread::sleep_for(5ms);
    }
    worker.stop();

    CHECK(handed == R"(none; {"page": 7}; )");
}

TEST_CASE_FIXTURE(
    LibraryFixture, "embedded worker: a handler is told to stop by its timeout, by cancel, and by stop()")
{
    Client client(url);
    std::atomic<int> running{0};
    const auto until_stopped = [&](JobContext& job) {
        ++running;
        while (!job.should_stop()) {
            std::this_thread::sleep_for(2ms);
        }
        throw std::runtime_error("was told to stop");
    };
    KindSettings short_one;
    short_one.timeout = 50ms;
    EmbeddedWorker worker(settings());
    worker.on("slow", until_stopped, short_one).on("endless", until_stopped);
    const auto slow = client.enqueue(spec_of("slow"));
    worker.start();
    while (state(slow) != "retryable") {
        std::this_thread::sleep_for(5ms);
    }
    CHECK(sql("SELECT outcome FROM attempts") == "timed_out");

    const auto cancelled = client.enqueue(spec_of("endless"));
    while (running < 2) {
        std::this_thread::sleep_for(2ms);
    }
    sql("INSERT INTO cancel (id, actor) VALUES (" + std::to_string(cancelled) + ", 'tests')");
    while (state(cancelled) != "cancelled") {
        std::this_thread::sleep_for(5ms);
    }

    const auto given_back = client.enqueue(spec_of("endless"));
    while (running < 3) {
        std::this_thread::sleep_for(2ms);
    }
    worker.stop(0ms);
    CHECK(state(given_back) == "available");
    CHECK(sql("SELECT attempt FROM all_jobs WHERE id = " + std::to_string(given_back)) == "0");
}

TEST_CASE_FIXTURE(LibraryFixture, "embedded worker: what cannot work is said at once")
{
    EmbeddedWorker worker(settings());
    worker.on("one", [](JobContext&) {});
    CHECK_THROWS_WITH_AS(
        worker.on("one", [](JobContext&) {}), doctest::Contains("has a handler already"), ClientError);
    KindSettings none;
    none.max_attempts = 0;
    CHECK_THROWS_WITH_AS(worker.on(
                             "two", [](JobContext&) {}, none),
        doctest::Contains("max_attempts is 0"), ClientError);

    WorkerSettings elsewhere = settings();
    elsewhere.url = "sqlite://" + (directory / "none.db").string();
    CHECK_THROWS_AS(EmbeddedWorker(elsewhere).start(), ClientError);
    elsewhere.slots = 0;
    CHECK_THROWS_AS(EmbeddedWorker{elsewhere}, ClientError);
}
