// Opening SQLite files: which are taken, which are refused and in what words; migrations; news of commits.

#include "storage/sqlite_file.hpp"

#include "core/error.hpp"
#include "storage/migrations_data.hpp"
#include "storage/sqlite/journal_mode.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

using namespace jobrunner;
using namespace jobrunner::tests;
using namespace std::chrono_literals;

namespace {

Error open_error(const DatabaseOptions& options)
{
    try {
        static_cast<void>(open_storage(options));
    } catch (const Error& error) {
        return error;
    }
    return {ErrorKind::internal, "it opened"};
}

void check_open_error(const DatabaseOptions& options, ErrorKind kind, const std::string& words)
{
    const Error error = open_error(options);
    CHECK(error.kind() == kind);
    CHECK_MESSAGE(std::string(error.what()).find(words) != std::string::npos, std::string(error.what()));
}

} // namespace

TEST_CASE("sqlite open: a file that is not there, or has no schema or half of it, asks for a migration")
{
    SqliteFile file;
    check_open_error(file.options(), ErrorKind::outdated, "run: jobrunner migrate");
    CHECK_FALSE(std::filesystem::exists(file.path()));

    file.sql("CREATE TABLE other (x)");
    check_open_error(file.options(), ErrorKind::outdated, "run: jobrunner migrate");
    open_migrator(file.options())->migrate(3);
    check_open_error(file.options(), ErrorKind::outdated, "run: jobrunner migrate");
    file.migrate();
    CHECK(file.open()->list({}).empty());
}

TEST_CASE("sqlite open: a binary that is too old is refused, and both versions are named")
{
    SqliteFile file;
    file.migrate();
    file.sql("INSERT INTO migrations (number, name, applied_by, oldest_binary) VALUES (9999, 'later', "
             "'test', '99.5.0')");

    check_open_error(file.options(), ErrorKind::outdated, "99.5.0");
    CHECK_THROWS_AS(file.migrate(), Error);
    CHECK(open_migrator(file.options())->status().back().number == 9999);
}

TEST_CASE("sqlite open: what is no database, no folder or not writable is said in words that name the file")
{
    SqliteFile file;
    std::ofstream(file.path()) << std::string(8192, 'x');
    check_open_error(file.options(), ErrorKind::usage, "is no SQLite database");

    DatabaseOptions options;
    options.url = "sqlite://" + file.folder() + "/nowhere/jobs.db";
    check_open_error(options, ErrorKind::unreachable, "nowhere does not exist");
    options.url = "sqlite://" + file.folder();
    check_open_error(options, ErrorKind::usage, "is a folder");
}

TEST_CASE("sqlite open: a new file is for its owner and group, as far as the umask lets")
{
    SqliteFile file;
    const auto before = ::umask(022);
    file.migrate();
    ::umask(before);

    struct stat status {};
    REQUIRE(::stat(file.path().c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0640);
}

TEST_CASE("sqlite open: the journal is one that this library may write")
{
    SqliteFile file;
    file.migrate();
    const auto storage = file.open();

    if (sqlite::is_wal_safe_here()) {
        CHECK(file.sql("PRAGMA journal_mode") == "wal");
    } else {
        // A file in WAL mode is brought back to a rollback journal.
        CHECK(file.sql("PRAGMA journal_mode = WAL") == "wal");
        file.close();
        static_cast<void>(file.open());
        CHECK(file.sql("PRAGMA journal_mode") != "wal");
    }
}

TEST_CASE("sqlite migrate: twenty starts at once apply each migration once")
{
    SqliteFile file;
    std::vector<int> children;
    for (int nth = 0; nth < 20; ++nth) {
        children.push_back(in_child([&] { file.migrate(); }));
    }

    for (const int child : children) {
        CHECK(wait_for_child(child) == 0);
    }
    CHECK(file.sql("SELECT count(*) FROM migrations") == std::to_string(sqlite_migrations().size()));
    CHECK(open_migrator(file.options())->migrate(std::nullopt).empty());
}

TEST_CASE("sqlite migrate: the script for people gives the same schema as the migrations")
{
    SqliteFile by_hand;
    SqliteFile by_program;
    const auto migrator = open_migrator(by_hand.options());
    const std::string script = migrator->pending_sql(std::nullopt);
    by_program.migrate();

    by_hand.sql(script);

    const std::string schema =
        "SELECT group_concat(type || name || sql, char(10)) FROM sqlite_schema WHERE name <> "
        "'migrations' ORDER BY name";
    CHECK(by_hand.sql(schema) == by_program.sql(schema));
    CHECK(by_hand.sql("SELECT group_concat(number || name || oldest_binary) FROM migrations") ==
        by_program.sql("SELECT group_concat(number || name || oldest_binary) FROM migrations"));
    CHECK(migrator->pending_sql(std::nullopt).empty());
    CHECK(by_hand.open()->list({}).empty());
}

TEST_CASE("sqlite wake: a commit of somebody else is news, and looking at the file is not")
{
    SqliteFile file;
    file.migrate();
    const auto storage = file.open();
    const auto wake = open_wake(file.options());
    wake->arm();
    static_cast<void>(storage->list({}));
    static_cast<void>(
        storage->probe({.ranges = {{{"", -40000}, 0, {"~", 40000}}}, .kinds = {}, .labels = {}}));
    CHECK(wake->wait(20ms) == Wake::Event::timeout);

    file.sql("INSERT INTO jobs (kind) VALUES ('email')");
    CHECK(wake->wait(10s) == Wake::Event::news);

    std::ofstream(file.folder() + "/other") << "x";
    CHECK(wake->wait(20ms) == Wake::Event::timeout);
}

TEST_CASE("sqlite wake: disarmed it hears nothing, and what was before it was armed is no news")
{
    SqliteFile file;
    file.migrate();
    const auto wake = open_wake(file.options());
    wake->arm();
    wake->disarm();
    file.sql("INSERT INTO jobs (kind) VALUES ('email')");

    CHECK(wake->wait(20ms) == Wake::Event::timeout);
    wake->arm();
    CHECK(wake->wait(20ms) == Wake::Event::timeout);
}

TEST_CASE("sqlite wake: an interrupt ends the wait, also one that came before it")
{
    SqliteFile file;
    const auto wake = open_wake(file.options());
    wake->interrupt();
    CHECK(wake->wait(10s) == Wake::Event::interrupted);

    std::jthread interrupter([&] { wake->interrupt(); });
    CHECK(wake->wait(10s) == Wake::Event::interrupted);
    CHECK(wake->wait(0ms) == Wake::Event::timeout);
}
