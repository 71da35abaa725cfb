#include "storage/sqlite/statement.hpp"

#include "storage/sqlite/errors.hpp"

#include <sqlite3.h>

#include <cmath>

namespace jobrunner::sqlite {

Statement::Statement(sqlite3* database, std::string_view& sql, const std::string& file)
    : database_(database), file_(&file)
{
    sqlite3_stmt* handle = nullptr;
    const char* rest = nullptr;
    const int code = sqlite3_prepare_v3(
        database, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &handle, &rest);
    handle_.reset(handle);
    check(code);
    sql.remove_prefix(static_cast<std::size_t>(rest - sql.data()));
    parameters_ = sqlite3_bind_parameter_count(handle);
}

void Statement::Finalize::operator()(sqlite3_stmt* handle) const noexcept
{
    sqlite3_finalize(handle);
}

void Statement::check(int code) const
{
    if (code != SQLITE_OK) {
        throw_error(database_, code, *file_);
    }
}

bool Statement::step()
{
    const int code = sqlite3_step(handle_.get());
    if (code != SQLITE_ROW && code != SQLITE_DONE) {
        check(code);
    }
    return code == SQLITE_ROW;
}

void Statement::reset() noexcept
{
    sqlite3_reset(handle_.get());
}

int Statement::changes() const
{
    return sqlite3_total_changes(database_);
}

void Statement::bind(int index, std::nullptr_t)
{
    if (index <= parameters_) {
        check(sqlite3_bind_null(handle_.get(), index));
    }
}

void Statement::bind(int index, double value)
{
    if (index <= parameters_) {
        check(sqlite3_bind_double(handle_.get(), index, value));
    }
}

void Statement::bind(int index, std::string_view value)
{
    if (index <= parameters_) {
        // A view without data would bind null.
        const char* const data = value.data() == nullptr ? "" : value.data();
        check(sqlite3_bind_text64(handle_.get(), index, data, value.size(), SQLITE_STATIC, SQLITE_UTF8));
    }
}

void Statement::bind_number(int index, std::int64_t value)
{
    if (index <= parameters_) {
        check(sqlite3_bind_int64(handle_.get(), index, value));
    }
}

bool Statement::is_null(int column) const
{
    return sqlite3_column_type(handle_.get(), column) == SQLITE_NULL;
}

std::int64_t Statement::number(int column) const
{
    return sqlite3_column_int64(handle_.get(), column);
}

double Statement::real(int column) const
{
    return sqlite3_column_double(handle_.get(), column);
}

std::string Statement::text(int column) const
{
    const auto* const data = sqlite3_column_text(handle_.get(), column);
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column));
    return data == nullptr ? std::string() : std::string(reinterpret_cast<const char*>(data), size);
}

Milliseconds Statement::length(int column) const
{
    return Milliseconds(std::llround(real(column) * 1000.0));
}

std::optional<std::int64_t> Statement::maybe_number(int column) const
{
    return is_null(column) ? std::nullopt : std::optional(number(column));
}

std::optional<int> Statement::maybe_integer(int column) const
{
    return is_null(column) ? std::nullopt : std::optional(integer(column));
}

std::optional<std::string> Statement::maybe_text(int column) const
{
    return is_null(column) ? std::nullopt : std::optional(text(column));
}

std::optional<Milliseconds> Statement::maybe_length(int column) const
{
    return is_null(column) ? std::nullopt : std::optional(length(column));
}

} // namespace jobrunner::sqlite
