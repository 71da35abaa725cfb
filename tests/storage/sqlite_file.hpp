// A folder of one test's own for SQLite files, and plain SQL on them as an application would run it.
#pragma once

#include "storage/open_storage.hpp"

#include <functional>
#include <memory>
#include <string>

struct sqlite3;

namespace jobrunner::tests {

class SqliteFile {
public:
    SqliteFile();
    SqliteFile(const SqliteFile&) = delete;
    SqliteFile& operator=(const SqliteFile&) = delete;
    ~SqliteFile();

    [[nodiscard]] std::string folder() const { return folder_; }
    [[nodiscard]] std::string path() const { return folder_ + "/jobs.db"; }
    [[nodiscard]] DatabaseOptions options() const;
    void migrate() const;
    [[nodiscard]] std::unique_ptr<Storage> open() const { return open_storage(options()); }

    // The first value of the last row, or empty. An error is thrown as Error{refused} with SQLite's own words.
    std::string sql(const std::string& text);
    // Lets go of the connection behind sql().
    void close();

private:
    std::string folder_;
    sqlite3* database_ = nullptr;
};

// Runs `work` in a process of its own and returns its id; the process ends with it, 0 unless it throws.
int in_child(const std::function<void()>& work);
// Waits for a process and returns its exit status, or minus the signal that ended it.
int wait_for_child(int pid);

} // namespace jobrunner::tests
