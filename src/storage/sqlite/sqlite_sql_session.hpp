#pragma once

#include "storage/sql_session.hpp"

#include <string>

namespace jobrunner::sqlite {

// SQLite's SqlSession: the statement writes the jobs' own file, which waits for it. It is stopped after five seconds, and cannot
// attach another file or end the transaction.
[[nodiscard]] std::unique_ptr<SqlSession> make_sql_session(
    const std::string& path, const DatabaseOptions& options);

} // namespace jobrunner::sqlite
