#pragma once

#include "jobrunner/testing.hpp"

#include "storage/open_storage.hpp"

#include <sqlite3.h>

#include <filesystem>
#include <stdlib.h>
#include <string>

namespace jobrunner::tests {

// A migrated SQLite file, and a connection to it as an application has one.
struct LibraryFixture {
    std::filesystem::path directory;
    std::string url;
    sqlite3* database = nullptr;

    LibraryFixture()
    {
        std::string name = (std::filesystem::temp_directory_path() / "jobrunner-library-XXXXXX").string();
        directory = ::mkdtemp(name.data());
        url = "sqlite://" + (directory / "jobs.db").string();
        DatabaseOptions options;
        options.url = url;
        static_cast<void>(open_migrator(options)->migrate(std::nullopt));
        ::sqlite3_open((directory / "jobs.db").c_str(), &database);
        ::sqlite3_busy_timeout(database, 20'000);
    }
    ~LibraryFixture()
    {
        ::sqlite3_close(database);
        std::filesystem::remove_all(directory);
    }
    LibraryFixture(const LibraryFixture&) = delete;
    LibraryFixture& operator=(const LibraryFixture&) = delete;

    [[nodiscard]] WorkerSettings settings() const
    {
        WorkerSettings settings;
        settings.url = url;
        settings.slots = 2;
        return settings;
    }

    // Runs SQL and returns the first column of the last row, or its error.
    std::string sql(const std::string& text) const
    {
        std::string value;
        char* error = nullptr;
        const auto keep = [](void* to, int, char** values, char**) {
            *static_cast<std::string*>(to) = values[0] != nullptr ? values[0] : "NULL";
            return 0;
        };
        if (::sqlite3_exec(database, text.c_str(), keep, &value, &error) != SQLITE_OK) {
            value = error;
            ::sqlite3_free(error);
        }
        return value;
    }
    [[nodiscard]] std::string state(std::int64_t id) const
    {
        return sql("SELECT state FROM all_jobs WHERE id = " + std::to_string(id));
    }
};

inline JobSpec spec_of(const std::string& kind, const std::string& args = "{}")
{
    JobSpec spec;
    spec.kind = kind;
    spec.args = args;
    return spec;
}

} // namespace jobrunner::tests
