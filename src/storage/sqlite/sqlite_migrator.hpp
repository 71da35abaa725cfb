#pragma once

#include "storage/migrator.hpp"
#include "storage/open_storage.hpp"

#include <memory>
#include <string>

namespace jobrunner {

// Opens the SQLite file at `path` for migrations; creates the file where it is missing, and expects no schema in it.
// Throws Error{unreachable} for a file that cannot be opened.
[[nodiscard]] std::unique_ptr<Migrator> open_sqlite_migrator(
    const std::string& path, const DatabaseOptions& options);

} // namespace jobrunner
