#pragma once

#include "storage/open_storage.hpp"

#include <memory>
#include <string>

namespace jobrunner {

// Opens the SQLite file at `path` as a Storage; the file is created where it is missing.
// Throws Error{unreachable} for a file that cannot be opened, Error{outdated} for a schema that this binary does not
// fit.
[[nodiscard]] std::unique_ptr<Storage> open_sqlite_storage(const std::string& path, const DatabaseOptions& options);

} // namespace jobrunner
