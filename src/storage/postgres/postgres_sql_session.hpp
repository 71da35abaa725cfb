#pragma once

#include "storage/sql_session.hpp"

namespace jobrunner::postgres {

// PostgreSQL's SqlSession. A worker that dies takes its statements with it: the server looks for its client every second
// (client_connection_check_interval, PostgreSQL 14 and later) and ends a transaction that idles for a minute.
[[nodiscard]] std::unique_ptr<SqlSession> make_sql_session(const DatabaseOptions& options);

} // namespace jobrunner::postgres
