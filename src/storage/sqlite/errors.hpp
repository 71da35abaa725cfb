#pragma once

#include "core/error.hpp"

#include <string>

struct sqlite3;

namespace jobrunner::sqlite {

// Throws what SQLite reports as a jobrunner::Error. `code` is an extended result code of a call on `database`, which
// may be null; `file` is its name, for messages.
[[noreturn]] void throw_error(sqlite3* database, int code, const std::string& file);

// The same, for the call that commits: what cannot be told from a lost write is `in_doubt`.
[[noreturn]] void throw_commit_error(sqlite3* database, int code, const std::string& file);

// Throws why `file` cannot be opened, as far as the file system tells.
[[noreturn]] void throw_open_error(sqlite3* database, int code, const std::string& file);

} // namespace jobrunner::sqlite
