// schema/*.sql are what the migrations make; PostgreSQL's is compared in postgres_migrations_test.cpp.
#include "storage/backend.hpp"
#include "storage/program_output.hpp"

#include <doctest/doctest.h>
#include <sqlite3.h>

#include <filesystem>
#include <fstream>
#include <sstream>

using namespace jobrunner;
using namespace jobrunner::tests;

namespace {

int append_row(void* into, int columns, char** values, char**)
{
    for (int i = 0; i < columns; ++i) {
        *static_cast<std::string*>(into) += std::string(values[i] == nullptr ? "" : values[i]) + "\n";
    }
    return 0;
}

// The catalog of a database that this script makes of nothing.
std::string catalog_of(const std::string& script)
{
    sqlite3* raw = nullptr;
    REQUIRE(sqlite3_open(":memory:", &raw) == SQLITE_OK);
    const std::unique_ptr<sqlite3, decltype(&sqlite3_close)> database(raw, &sqlite3_close);
    char* message = nullptr;
    const int result = sqlite3_exec(raw, script.c_str(), nullptr, nullptr, &message);
    const std::string said = message == nullptr ? "" : message;
    sqlite3_free(message);
    REQUIRE_MESSAGE(result == SQLITE_OK, said);
    std::string catalog;
    for (const auto* query : {"SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name",
             "SELECT number, name, oldest_binary FROM migrations ORDER BY number"}) {
        REQUIRE(sqlite3_exec(raw, query, append_row, &catalog, nullptr) == SQLITE_OK);
    }
    return catalog;
}

std::string text_of(const std::string& path)
{
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    REQUIRE_FALSE(text.str().empty());
    return text.str();
}

} // namespace

TEST_CASE("schema file: schema/sqlite.sql makes what the migrations make")
{
    const TemporaryFile file("");
    DatabaseOptions options;
    options.url = "sqlite://" + file.path();
    const std::string migrations = open_migrator(options)->pending_sql(std::nullopt);

    CHECK(first_difference(
              catalog_of(text_of(source_folder() + "/schema/sqlite.sql")), catalog_of(migrations)) == "");
}

TEST_CASE("schema file: both are what scripts/dump_schema writes")
{
    const auto end = run_program("'" + source_folder() + "/scripts/dump_schema' --check");

    CHECK_MESSAGE(end.exit_code == 0, end.output);
}
