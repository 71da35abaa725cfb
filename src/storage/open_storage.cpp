#include "storage/open_storage.hpp"

#include "core/error.hpp"
#include "storage/postgres/postgres_migrator.hpp"
#include "storage/postgres/postgres_sql_session.hpp"
#include "storage/postgres/postgres_storage.hpp"
#include "storage/postgres/postgres_wake.hpp"
#include "storage/sqlite/sqlite_migrator.hpp"
#include "storage/sqlite/sqlite_sql_session.hpp"
#include "storage/sqlite/sqlite_storage.hpp"
#include "storage/sqlite/sqlite_wake.hpp"

namespace jobrunner {
namespace {

bool is_postgres(const std::string& url)
{
    return url.starts_with("postgresql://") || url.starts_with("postgres://");
}

// The path of sqlite:///path (absolute), sqlite:///./path (relative) or sqlite:path.
std::string sqlite_path(const std::string& url)
{
    constexpr std::string_view scheme = "sqlite:";
    if (!url.starts_with(scheme)) {
        throw Error(ErrorKind::usage, "the database URL begins with neither postgresql:// nor sqlite:///");
    }
    std::string path = url.substr(scheme.size());
    if (path.starts_with("//")) {
        path.erase(0, 2);
    }
    if (path.starts_with("/./")) {
        path.erase(0, 1);
    }
    if (path.empty() || path == "/") {
        throw Error(ErrorKind::usage, "the database URL names no file; sqlite:///path was expected");
    }
    return path;
}

} // namespace

std::unique_ptr<Storage> open_storage(const DatabaseOptions& options)
{
    if (is_postgres(options.url)) {
        return std::make_unique<postgres::PostgresStorage>(options);
    }
    return open_sqlite_storage(sqlite_path(options.url), options);
}

std::unique_ptr<Migrator> open_migrator(const DatabaseOptions& options)
{
    if (is_postgres(options.url)) {
        return postgres::make_migrator(options);
    }
    return open_sqlite_migrator(sqlite_path(options.url), options);
}

std::unique_ptr<Wake> open_wake(const DatabaseOptions& options)
{
    if (is_postgres(options.url)) {
        return postgres::make_wake(options);
    }
    return open_sqlite_wake(sqlite_path(options.url), options);
}

std::unique_ptr<SqlSession> open_sql_session(const DatabaseOptions& options)
{
    if (is_postgres(options.url)) {
        return postgres::make_sql_session(options);
    }
    return sqlite::make_sql_session(sqlite_path(options.url), options);
}

} // namespace jobrunner
