#pragma once

#include "storage/migrator.hpp"
#include "storage/storage.hpp"
#include "storage/wake.hpp"

#include <memory>
#include <string>

namespace jobrunner {

struct DatabaseOptions {
    std::string url;                  // postgresql://… or sqlite:///path
    std::string schema = "jobrunner"; // PostgreSQL only
    bool pooled = false;              // through PgBouncer in transaction mode: no session state, no LISTEN
    Milliseconds deadline{30'000};    // for one call; after it the connection is dropped
    std::string application = "jobrunner";
};

// Opens the backend that the URL names. Connects at once and checks that schema and binary fit.
// Throws Error{usage} for a URL of another kind, Error{unreachable}, Error{outdated}.
[[nodiscard]] std::unique_ptr<Storage> open_storage(const DatabaseOptions& options);
// Connects, but expects no schema.
[[nodiscard]] std::unique_ptr<Migrator> open_migrator(const DatabaseOptions& options);
// News of commits from others; see Wake.
[[nodiscard]] std::unique_ptr<Wake> open_wake(const DatabaseOptions& options);

} // namespace jobrunner
