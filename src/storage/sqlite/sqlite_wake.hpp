#pragma once

#include "storage/open_storage.hpp"
#include "storage/wake.hpp"

#include <memory>
#include <string>

namespace jobrunner {

// Watches the SQLite file at `path` for commits of others. Never throws for a file that is missing or a watch that
// cannot be had: then it is deaf, and wait() only waits.
[[nodiscard]] std::unique_ptr<Wake> open_sqlite_wake(const std::string& path, const DatabaseOptions& options);

} // namespace jobrunner
