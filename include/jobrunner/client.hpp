#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

// What a C++ program needs to put jobs into a database and to ask after them.

struct sqlite3;
namespace pqxx {
class transaction_base;
}

namespace jobrunner {

// This library's version, "major.minor.patch".
[[nodiscard]] std::string_view library_version();

// Anything that went wrong, in one line for people; `retryable` says that the database was not reachable, or that it
// is in doubt whether a change was made.
class ClientError : public std::runtime_error {
public:
    ClientError(const std::string& message, bool retryable)
        : std::runtime_error(message), retryable_(retryable)
    {
    }
    [[nodiscard]] bool retryable() const noexcept { return retryable_; }

private:
    bool retryable_;
};

// A job to enqueue. Members left unset take the column's default; docs/configuration.md and the schema say more.
struct JobSpec {
    std::string kind;
    std::string args = "{}"; // a JSON object; numbers stay as written
    std::optional<std::string> queue;
    std::optional<int> priority;                    // lower runs first
    std::optional<std::chrono::milliseconds> delay; // from the database's now
    std::optional<int> max_attempts;
    std::optional<std::chrono::milliseconds> timeout; // of one attempt
    std::optional<std::string> unique_key; // while an unfinished job holds it, its id is returned instead
    std::vector<std::string> tags;
};

// Adds a job inside the caller's own transaction, so that it exists if and only if that commits. Returns its id, or that of
// the job that holds its unique_key. What libpqxx throws comes through; Error: ClientError where SQLite refuses, which leaves
// the transaction open. `database` needs a version of SQLite that has RETURNING (3.35).
[[nodiscard]] std::int64_t enqueue_in(
    pqxx::transaction_base& transaction, const JobSpec& job, std::string_view schema = "jobrunner");
[[nodiscard]] std::int64_t enqueue_in(sqlite3* database, const JobSpec& job);

// An unfinished job, as it waits or runs.
struct UnfinishedJob {
    std::int64_t id = 0;
    std::string kind;
    std::string args;
    std::string queue;
    std::string state;
};

// A connection to a migrated database.
//
// Threads: not thread-safe; open one for each thread. Reconnects by itself at the next call.
// Errors: every method throws ClientError.
class Client {
public:
    // url: postgresql://… or sqlite:///path. Connects at once.
    explicit Client(const std::string& url, const std::string& schema = "jobrunner");
    ~Client();
    Client(Client&&) noexcept;
    Client& operator=(Client&&) noexcept;

    // Adds a job in a transaction of its own and returns its id, or that of the job that holds its unique_key.
    [[nodiscard]] std::int64_t enqueue(const JobSpec& job);
    // Adds all of them or none; ids in their order.
    [[nodiscard]] std::vector<std::int64_t> enqueue(const std::vector<JobSpec>& jobs);
    // available, scheduled, blocked, running, retryable, completed, cancelled or dead; nothing if there is no such job.
    [[nodiscard]] std::optional<std::string> state(std::int64_t id);
    // Unfinished jobs of that kind, latest first, at most `limit` (1 to 10000).
    [[nodiscard]] std::vector<UnfinishedJob> unfinished(const std::string& kind, int limit = 100);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace jobrunner
