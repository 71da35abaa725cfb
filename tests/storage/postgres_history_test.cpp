// History's partitions, one for each day until which rows are kept.
#include "storage/postgres_database.hpp"
#include "storage/storage_fixture.hpp"

#include <thread>

using namespace jobrunner;
using namespace jobrunner::tests;

namespace {

const std::vector<Milliseconds> week{24h * 7};

std::vector<std::string> days(StorageFixture& db)
{
    return db.backend->rows(
        "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
        " WHERE i.inhparent = 'history'::regclass AND c.relname ~ '[0-9]{8}$' ORDER BY 1");
}

template <typename Body>
void on_postgres(Body body)
{
    if (const auto url = postgres_url()) {
        StorageFixture db(make_postgres_backend(*url));
        body(db);
    }
}

} // namespace

TEST_CASE("postgres history: tidying makes the days that are needed, once")
{
    on_postgres([](StorageFixture& db) {
        CHECK(days(db).empty());

        db.storage->tidy(week);
        const auto made = days(db);
        db.storage->tidy(week);

        CHECK(made.size() == 3);
        CHECK(days(db) == made);
        CHECK(made[0] ==
            db.backend->row("SELECT 'history_' || to_char(keep_until(interval '7 days'), 'YYYYMMDD')"));
        db.storage->tidy(std::vector<Milliseconds>{24h * 7, 24h * 7, 24h, 0ms});
        CHECK(days(db).size() == 6);
    });
}

TEST_CASE("postgres history: days stand for what other workers have published, too")
{
    on_postgres([](StorageFixture& db) {
        db.backend->run_sql("UPDATE kinds SET keep = interval '90 days'");

        db.storage->tidy({});

        CHECK(days(db).at(0) ==
            db.backend->row("SELECT 'history_' || to_char(keep_until(interval '90 days'), 'YYYYMMDD')"));
        CHECK(days(db).size() == 3);
    });
}

TEST_CASE("postgres history: rows go to their day, and to a spare place where it is missing until it stands")
{
    on_postgres([](StorageFixture& db) {
        const auto ids = db.enqueue_several(2);
        REQUIRE(db.settle(db.claim_one(alice), succeeded()) == Settled::applied);
        CHECK(db.backend->row("SELECT count(*) FROM history_other") == "1");

        db.storage->tidy(week);
        REQUIRE(db.settle(db.claim_one(alice), succeeded()) == Settled::applied);

        CHECK(db.backend->row("SELECT count(*) FROM history_other") == "0");
        CHECK(db.backend->row("SELECT count(*) FROM " + days(db).at(0)) == "2");
        CHECK(db.state(ids[0]) == JobState::completed);
        CHECK(db.state(ids[1]) == JobState::completed);
    });
}

TEST_CASE("postgres history: a day that has passed is dropped whole, later ones stay")
{
    on_postgres([](StorageFixture& db) {
        db.backend->run_sql(
            "SELECT ensure_history_days(ARRAY[current_date - 1, current_date, current_date + 1])");
        REQUIRE(days(db).size() == 3);
        db.backend->run_sql("DELETE FROM kinds");

        db.storage->tidy({});

        CHECK(days(db) == db.backend->rows("SELECT 'history_' || to_char(current_date + 1, 'YYYYMMDD')"));
    });
}

TEST_CASE("postgres history: a reader in the way stops neither settling nor the rest of tidying")
{
    on_postgres([](StorageFixture& db) {
        db.enqueue_several(2);
        const auto jobs = db.claim(alice, 2);
        db.backend->run_sql("SELECT ensure_history_days(ARRAY[current_date - 1])");
        const auto other = connect_postgres(*postgres_url(), db.backend->options().schema);
        {
            pqxx::work reader(*other);
            reader.exec("SELECT count(*) FROM history");

            CHECK_NOTHROW(db.storage->tidy(week));
            CHECK(db.settle(jobs[0], succeeded()) == Settled::applied);
            CHECK(days(db).size() == 1);
        }

        db.storage->tidy(week);
        CHECK(db.settle(jobs[1], succeeded()) == Settled::applied);
        CHECK(days(db).size() == 3);
        CHECK(db.backend->row("SELECT count(*) FROM history_other") == "0");
        CHECK(db.storage->list({.states = {JobState::completed}}).size() == 2);
    });
}

TEST_CASE("postgres history: several may tidy at once while others settle")
{
    on_postgres([](StorageFixture& db) {
        db.enqueue_several(200);
        const auto jobs = db.claim(alice, 200);
        REQUIRE(jobs.size() == 200);
        std::vector<std::string> failures(4);
        {
            std::vector<std::jthread> threads;
            for (std::size_t i = 0; i < failures.size(); ++i) {
                threads.emplace_back([&, i] {
                    try {
                        const auto storage = db.open();
                        if (i < 3) {
                            storage->tidy(std::vector<Milliseconds>{24h * 7, 24h * static_cast<int>(i + 1)});
                            return;
                        }
                        for (const auto& job : jobs) {
                            const Settlement settlement = db.decision(job, succeeded());
                            static_cast<void>(storage->settle({&settlement, 1}, alice, {}));
                        }
                    } catch (const std::exception& failure) {
                        failures[i] = failure.what();
                    }
                });
            }
        }
        for (const auto& failure : failures) {
            CHECK_MESSAGE(failure.empty(), failure);
        }
        CHECK(db.storage->list({.states = {JobState::completed}, .limit = 1000}).size() == 200);
    });
}
