#include "storage/postgres_database.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace jobrunner;
using namespace jobrunner::tests;
using namespace std::chrono_literals;

namespace {

// What is sent on one channel, seen from a session of its own.
class Listener {
public:
    Listener(const PostgresDatabase& database, const std::string& channel)
        : channel_(channel), session_(database.connect()), receiver_(*session_, channel, heard_)
    {
    }

    // Everything sent so far, in order: a mark of its own comes after it.
    std::vector<std::string> heard()
    {
        heard_.clear();
        {
            pqxx::nontransaction tx(*session_);
            tx.exec("SELECT pg_notify(" + tx.quote(channel_) + ", 'mark')");
        }
        while (heard_.empty() || heard_.back() != "mark") {
            session_->await_notification(5, 0);
        }
        heard_.pop_back();
        return heard_;
    }

private:
    class Receiver final : public pqxx::notification_receiver {
    public:
        Receiver(pqxx::connection& session, const std::string& channel, std::vector<std::string>& heard)
            : pqxx::notification_receiver(session, channel), heard_(heard)
        {
        }
        void operator()(const std::string& payload, int) override { heard_.push_back(payload); }

    private:
        std::vector<std::string>& heard_;
    };

    std::string channel_;
    std::vector<std::string> heard_;
    std::unique_ptr<pqxx::connection> session_;
    Receiver receiver_;
};

constexpr const char* insert = "INSERT INTO jobs (kind) VALUES ('email')";

template <typename Body>
void on_postgres(Body body)
{
    if (const auto url = postgres_url()) {
        PostgresDatabase database(*url);
        body(database);
    }
}

} // namespace

TEST_CASE("postgres wake: nothing is sent while nobody sleeps")
{
    on_postgres([](PostgresDatabase& db) {
        Listener listener(db, db.schema() + "_wake");

        db.run_sql(insert);

        CHECK(listener.heard().empty());
    });
}

TEST_CASE("postgres wake: a sleeper is told of an insert, once per statement")
{
    on_postgres([](PostgresDatabase& db) {
        Listener listener(db, db.schema() + "_wake");
        const auto wake = open_wake(db.options());
        wake->arm();
        static_cast<void>(wake->wait(0ms)); // It starts by saying that news may have been missed.

        db.run_sql("INSERT INTO jobs (kind) SELECT 'email' FROM generate_series(1, 10)");

        CHECK(listener.heard().size() == 1);
        CHECK(wake->wait(5s) == Wake::Event::news);
        CHECK(wake->wait(0ms) == Wake::Event::timeout);
    });
}

TEST_CASE("postgres wake: who has woken up is told nothing")
{
    on_postgres([](PostgresDatabase& db) {
        Listener listener(db, db.schema() + "_wake");
        const auto wake = open_wake(db.options());
        wake->arm();
        wake->disarm();

        db.run_sql(insert);

        CHECK(listener.heard().empty());
    });
}

TEST_CASE("postgres wake: a sleeper that is gone leaves no trace")
{
    on_postgres([](PostgresDatabase& db) {
        Listener listener(db, db.schema() + "_wake");
        DatabaseOptions options = db.options();
        options.application = fresh_name("sleeper");
        {
            const auto wake = open_wake(options);
            wake->arm();
        }
        // Its session ends when the server notices.
        while (db.row("SELECT count(*) FROM pg_stat_activity WHERE application_name = '" +
                   options.application + "'") != "0") {
            std::this_thread::yield();
        }

        db.run_sql(insert);

        CHECK(listener.heard().empty());
    });
}

TEST_CASE("postgres wake: an application may switch it off, and then prepare its transaction")
{
    on_postgres([](PostgresDatabase& db) {
        Listener listener(db, db.schema() + "_wake");
        const auto wake = open_wake(db.options());
        wake->arm();
        const std::string name = fresh_name("prepared");

        // A transaction that has notified cannot be prepared.
        CHECK_FALSE(
            db.refusal("BEGIN; " + std::string(insert) + "; PREPARE TRANSACTION '" + name + "'").empty());
        db.run_sql("ROLLBACK");
        db.run_sql("BEGIN; SET LOCAL jobrunner.wake = off; " + std::string(insert) +
            "; PREPARE TRANSACTION '" + name + "'");
        CHECK(db.row("SELECT count(*) FROM jobs") == "0");
        db.run_sql("COMMIT PREPARED '" + name + "'");

        CHECK(db.row("SELECT count(*) FROM jobs") == "1");
        CHECK(listener.heard().empty());
        // The setting went with its transaction.
        db.run_sql(insert);
        CHECK(listener.heard().size() == 1);
    });
}

TEST_CASE("postgres wake: a rollback tells nobody")
{
    on_postgres([](PostgresDatabase& db) {
        Listener listener(db, db.schema() + "_wake");
        const auto wake = open_wake(db.options());
        wake->arm();

        db.run_sql("BEGIN; " + std::string(insert) + "; ROLLBACK");

        CHECK(listener.heard().empty());
    });
}

TEST_CASE("postgres wake: several sleepers are told, and one that stays asleep is enough")
{
    on_postgres([](PostgresDatabase& db) {
        const auto first = open_wake(db.options());
        const auto second = open_wake(db.options());
        first->arm();
        second->arm();
        static_cast<void>(first->wait(0ms));
        static_cast<void>(second->wait(0ms));

        db.run_sql(insert);
        CHECK(first->wait(5s) == Wake::Event::news);
        CHECK(second->wait(5s) == Wake::Event::news);

        first->disarm();
        db.run_sql(insert);
        CHECK(second->wait(5s) == Wake::Event::news);
    });
}

TEST_CASE("postgres wake: an interrupt from another thread ends the wait")
{
    on_postgres([](PostgresDatabase& db) {
        const auto wake = open_wake(db.options());
        wake->arm();
        static_cast<void>(wake->wait(0ms));
        const std::jthread other([&] { wake->interrupt(); });

        CHECK(wake->wait(30s) == Wake::Event::interrupted);
    });
}

TEST_CASE("postgres wake: a lost session makes it deaf, not wrong, and it recovers")
{
    on_postgres([](PostgresDatabase& db) {
        DatabaseOptions options = db.options();
        options.application = fresh_name("sleeper");
        const auto wake = open_wake(options);
        wake->arm();
        static_cast<void>(wake->wait(0ms));

        db.run_sql("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = '" +
            options.application + "'");

        CHECK_NOTHROW(static_cast<void>(wake->wait(100ms)));
        CHECK_NOTHROW(wake->disarm());
        bool told = false;
        for (int tries = 0; tries < 50 && !told; ++tries) {
            wake->arm();
            db.run_sql(insert);
            told = wake->wait(200ms) == Wake::Event::news;
        }
        CHECK(told);
    });
}

TEST_CASE("postgres wake: through a pooler it only waits")
{
    on_postgres([](PostgresDatabase& db) {
        DatabaseOptions options = db.options();
        options.pooled = true;
        const auto wake = open_wake(options);

        wake->arm();
        db.run_sql(insert);

        CHECK(wake->wait(1ms) == Wake::Event::timeout);
        CHECK_NOTHROW(wake->disarm());
    });
}
