#include "library_fixture.hpp"

#include <doctest/doctest.h>

using namespace jobrunner;
using namespace jobrunner::tests;
using namespace std::chrono_literals;

TEST_CASE_FIXTURE(
    LibraryFixture, "enqueue in: a job is there if and only if the application's transaction commits")
{
    sql("BEGIN IMMEDIATE");
    static_cast<void>(enqueue_in(database, spec_of("mail.send")));
    sql("ROLLBACK");
    CHECK(sql("SELECT count(*) FROM all_jobs") == "0");

    sql("BEGIN IMMEDIATE");
    JobSpec spec = spec_of("mail.send", R"({"to": "ann", "amount": 0.10})");
    spec.queue = "mail";
    spec.priority = -3;
    spec.delay = 1h;
    spec.max_attempts = 4;
    spec.timeout = 1500ms;
    spec.unique_key = "ann";
    spec.tags = {"a", "b"};
    const auto id = enqueue_in(database, spec);
    CHECK(enqueue_in(database, spec) == id);
    sql("COMMIT");

    CHECK(state(id) == "scheduled");
    CHECK(
        sql("SELECT args || queue || priority || max_attempts || timeout || unique_key || tags FROM jobs") ==
        R"({"to": "ann", "amount": 0.10}mail-341.5ann["a","b"])");
}

TEST_CASE_FIXTURE(LibraryFixture,
    "enqueue in: what the database refuses is an error in its words, and the transaction stays open")
{
    sql("BEGIN IMMEDIATE");
    CHECK_THROWS_AS(static_cast<void>(enqueue_in(database, spec_of("mail.send", "[1]"))), ClientError);
    static_cast<void>(enqueue_in(database, spec_of("mail.send")));
    sql("COMMIT");
    CHECK(sql("SELECT count(*) FROM jobs") == "1");
}
