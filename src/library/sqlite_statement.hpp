#pragma once

#include "jobrunner/client.hpp"

#include <sqlite3.h>

#include <memory>
#include <optional>
#include <string>

namespace jobrunner {

// A statement on a connection of the application's, which keeps its transaction whatever happens here.
// Errors: ClientError; a busy file is retryable.
class SqliteStatement {
public:
    SqliteStatement(sqlite3* database, const char* sql) : database_(database)
    {
        sqlite3_stmt* made = nullptr;
        check(::sqlite3_prepare_v2(database, sql, -1, &made, nullptr));
        statement_.reset(made);
    }

    SqliteStatement& bind(const std::optional<std::string>& text)
    {
        check(text ? ::sqlite3_bind_text64(statement_.get(), ++bound_, text->data(), text->size(),
                         SQLITE_TRANSIENT, SQLITE_UTF8)
                   : ::sqlite3_bind_null(statement_.get(), ++bound_));
        return *this;
    }
    SqliteStatement& bind(std::optional<double> number)
    {
        check(number ? ::sqlite3_bind_double(statement_.get(), ++bound_, *number)
                     : ::sqlite3_bind_null(statement_.get(), ++bound_));
        return *this;
    }
    SqliteStatement& bind(std::optional<int> number)
    {
        check(number ? ::sqlite3_bind_int(statement_.get(), ++bound_, *number)
                     : ::sqlite3_bind_null(statement_.get(), ++bound_));
        return *this;
    }

    // The first column of the first row, or nothing without a row. Runs the statement to its end.
    std::optional<std::int64_t> number()
    {
        std::optional<std::int64_t> found;
        int status = ::sqlite3_step(statement_.get());
        while (status == SQLITE_ROW) {
            found = found ? found : ::sqlite3_column_int64(statement_.get(), 0);
            status = ::sqlite3_step(statement_.get());
        }
        check(status == SQLITE_DONE ? SQLITE_OK : status);
        return found;
    }

private:
    void check(int status) const
    {
        if (status != SQLITE_OK) {
            throw ClientError(::sqlite3_errmsg(database_), status == SQLITE_BUSY || status == SQLITE_LOCKED);
        }
    }

    struct Finalize {
        void operator()(sqlite3_stmt* statement) const { ::sqlite3_finalize(statement); }
    };

    sqlite3* database_;
    std::unique_ptr<sqlite3_stmt, Finalize> statement_;
    int bound_ = 0;
};

} // namespace jobrunner
