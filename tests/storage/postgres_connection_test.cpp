// What becomes of calls whose connection breaks.
#include "storage/postgres/connection.hpp"
#include "storage/postgres_database.hpp"
#include "storage/storage_fixture.hpp"

#include <thread>

using namespace jobrunner;
using namespace jobrunner::tests;

namespace {

struct Session {
    PostgresDatabase& database;
    std::string application;

    // The session with that name ends, and the server has noticed.
    void terminate() const
    {
        database.run_sql(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = '" +
            application + "'");
    }
    void wait_until_blocked() const
    {
        while (database.row("SELECT count(*) FROM pg_stat_activity WHERE application_name = '" + application +
                   "' AND wait_event_type = 'Lock'") == "0") {
            std::this_thread::yield();
        }
    }
};

template <typename Body>
void with_session(Body body)
{
    if (const auto url = postgres_url()) {
        PostgresDatabase database(*url);
        DatabaseOptions options = database.options();
        options.application = fresh_name("broken");
        const auto storage = open_storage(options);
        body(database, *storage, Session{database, options.application});
    }
}

bool is_broken(const Error& error)
{
    return error.kind() == ErrorKind::unreachable || error.kind() == ErrorKind::in_doubt;
}

void enqueue(Storage& storage)
{
    const NewJob job{.kind = "email"};
    static_cast<void>(storage.enqueue({&job, 1}, OnConflict::refuse));
}

// Runs `step` while another session holds the jobs table, ends its session once it waits, and returns its Error.
Error broken_while(PostgresDatabase& database, const Session& session, const std::function<void()>& step)
{
    const auto holder = database.connect();
    pqxx::work hold(*holder);
    hold.exec("LOCK TABLE jobs, history, workers IN ACCESS EXCLUSIVE MODE");
    const std::jthread killer([&] {
        session.wait_until_blocked();
        session.terminate();
    });
    return StorageFixture::error_of(step);
}

} // namespace

TEST_CASE("postgres connection: one that broke while idle is reported once, and then made anew")
{
    with_session([](PostgresDatabase&, Storage& storage, const Session& session) {
        enqueue(storage);
        session.terminate();

        CHECK(is_broken(StorageFixture::error_of([&] { static_cast<void>(storage.list({})); })));
        CHECK(storage.list({}).size() == 1);
        session.terminate();
        CHECK(is_broken(StorageFixture::error_of([&] { enqueue(storage); })));
        CHECK_NOTHROW(enqueue(storage));
    });
}

TEST_CASE(
    "postgres connection: one that breaks within a call leaves nothing half done, and the next call works")
{
    with_session([](PostgresDatabase& database, Storage& storage, const Session& session) {
        const Settlement settlement{.token = {1, 1, 1},
            .outcome = "completed",
            .reason = {},
            .keep = {},
            .kind = {},
            .fingerprint = {},
            .report = {}};
        const std::vector<std::function<void()>> calls{
            [&] { enqueue(storage); },
            [&] { static_cast<void>(storage.list({})); },
            [&] {
                static_cast<void>(storage.settle({&settlement, 1}, 1, {}));
            },
            [&] { static_cast<void>(storage.heartbeat({.worker = 1})); },
            [&] { static_cast<void>(storage.promote(1)); },
            [&] { static_cast<void>(storage.abandoned(1)); },
        };
        for (std::size_t i = 0; i < calls.size(); ++i) {
            CAPTURE(i);
            const Error error = broken_while(database, session, calls[i]);
            CHECK(is_broken(error));
            CHECK_MESSAGE(
                std::string(error.what()).find('\n') == std::string::npos, std::string(error.what()));
            CHECK(storage.list({}).empty());
        }
        enqueue(storage);
        CHECK(storage.list({}).size() == 1);
    });
}

TEST_CASE("postgres connection: reading is never in doubt")
{
    with_session([](PostgresDatabase& database, Storage& storage, const Session& session) {
        const Error error = broken_while(database, session, [&] { static_cast<void>(storage.find(1)); });

        CHECK(error.kind() == ErrorKind::unreachable);
    });
}

TEST_CASE("postgres connection: a call that takes longer than its deadline is given up")
{
    if (const auto url = postgres_url()) {
        PostgresDatabase database(*url);
        DatabaseOptions options = database.options();
        options.deadline = 200ms;
        const auto storage = open_storage(options);
        {
            const auto holder = database.connect();
            pqxx::work hold(*holder);
            hold.exec("LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE");
            const Error error = StorageFixture::error_of([&] { enqueue(*storage); });
            CHECK(is_broken(error));
            CHECK(std::string(error.what()).find("no answer within 200 ms") != std::string::npos);
        }
        for (bool again = true; again;) {
            try {
                static_cast<void>(storage->list({}));
                again = false;
            } catch (const Error&) {
                // The machine is slower than the deadline.
            }
        }
    }
}

TEST_CASE("postgres connection: a server that is not there is unreachable, and the message names no password")
{
    DatabaseOptions options;
    options.url = "postgresql://someone:s3cret@127.0.0.1:1/db";

    const Error error = StorageFixture::error_of([&] { static_cast<void>(open_storage(options)); });

    CHECK(error.kind() == ErrorKind::unreachable);
    CHECK(std::string(error.what()).find("127.0.0.1:1/db") != std::string::npos);
    CHECK(std::string(error.what()).find("s3cret") == std::string::npos);
}

TEST_CASE("postgres connection: a URL that is none is a matter of usage")
{
    for (const auto* url : {"postgresql://[::1/x", "mysql://x", "", "postgresql://h/db?nonsense=1"}) {
        CAPTURE(std::string(url));
        DatabaseOptions options;
        options.url = url;
        const Error error = StorageFixture::error_of([&] { static_cast<void>(open_storage(options)); });
        CHECK(error.kind() == ErrorKind::usage);
    }
}

TEST_CASE("postgres connection: a server that has become read-only is unreachable for writing")
{
    if (const auto url = postgres_url()) {
        PostgresDatabase database(*url);
        DatabaseOptions options = database.options();
        options.url += "?options=-cdefault_transaction_read_only%3Don";
        const auto storage = open_storage(options);

        CHECK(StorageFixture::error_of([&] { enqueue(*storage); }).kind() == ErrorKind::unreachable);
        CHECK(storage->list({}).empty());
    }
}

TEST_CASE("postgres connection: through a transaction pooler every verb works without session state")
{
    if (const auto url = postgres_url()) {
        PostgresDatabase database(*url);
        DatabaseOptions options = database.options();
        options.pooled = true;
        options.application = fresh_name("pooled");
        const auto storage = open_storage(options);
        enqueue(*storage);
        const WorkerRecord record{
            .id = 5, .name = "w", .host = "h", .version = "0", .labels = {}, .queues = {}, .kinds = {}};
        storage->register_worker(record);
        const KindPolicy policy = policy_of("email");
        storage->publish_kinds({&policy, 1}, "tests");
        ClaimRequest request;
        request.worker = 5;
        request.batch = 1;
        request.limit = 1;
        request.lanes = {{{"default", 0}, 0, 1}};
        request.kinds = {"email"};

        const auto claimed = storage->claim(request);
        REQUIRE(claimed.size() == 1);
        const Settlement settlement = decide(claimed[0], policy, succeeded(), 0.5);
        CHECK(storage->settle({&settlement, 1}, 5, {}) == std::vector{Settled::applied});
        CHECK(storage->heartbeat({.worker = 5}));
        CHECK(storage->list({}).size() == 1);
        CHECK(storage->act({.action = JobAction::cancel, .actor = "t"}, std::vector<JobId>{1}).size() == 1);
        CHECK_NOTHROW(storage->tidy({}));
    }
}

TEST_CASE(
    "postgres connection: a transaction that idles is ended by the server, so that nobody waits for its rows")
{
    const auto url = postgres_url();
    if (!url) {
        return;
    }
    PostgresDatabase database(*url);
    database.run_sql("INSERT INTO queues (queue) VALUES ('mail')");
    postgres::Connection stopped(database.options());
    CHECK(std::string(
              stopped.read("SELECT current_setting('idle_in_transaction_session_timeout')")[0][0].c_str()) ==
        "10s");

    const auto error = StorageFixture::error_of([&] {
        stopped.transact([&](postgres::Connection::Transaction& tx) {
            tx.run("SET LOCAL idle_in_transaction_session_timeout = '50ms'");
            tx.run("UPDATE {schema}.queues SET weight = 2");
            database.run_sql(
                "UPDATE queues SET weight = 3"); // waits for the row until the server lets go of it
            tx.run("SELECT 1");
        });
    });
    CHECK(error.kind() == ErrorKind::unreachable);
    CHECK(database.row("SELECT weight FROM queues") == "3");
    CHECK(stopped.read("SELECT 1").size() == 1);
}
