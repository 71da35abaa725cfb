#pragma once

#include "core/duration.hpp"

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace jobrunner::sqlite {

// One prepared statement and, while it runs, its present row.
//
// Parameters are numbered from 1 and handed over in that order; those that the statement does not use are passed over.
// Texts must stay alive until the run is over. Columns are numbered from 0.
//
// Threads: those of its connection. Errors: throws Error.
class Statement {
public:
    // Prepares the first statement of `sql` and takes it away from there. `file` is for messages and must outlive this.
    Statement(sqlite3* database, std::string_view& sql, const std::string& file);

    // Whether there was any SQL: comments alone make no statement.
    [[nodiscard]] bool empty() const { return handle_ == nullptr; }

    // Runs it to its end and returns how many rows it changed, in triggers too.
    template <typename... Values>
    int run(const Values&... values)
    {
        return each([](const Statement&) {}, values...);
    }

    // As run(), and calls `on_row` for each row.
    template <typename OnRow, typename... Values>
    int each(OnRow&& on_row, const Values&... values)
    {
        const Running running(*this);
        int index = 0;
        (bind(++index, values), ...);
        while (step()) {
            on_row(static_cast<const Statement&>(*this));
        }
        return changes() - running.changes_before;
    }

    [[nodiscard]] bool is_null(int column) const;
    [[nodiscard]] std::int64_t number(int column) const;
    [[nodiscard]] double real(int column) const;
    [[nodiscard]] std::string text(int column) const;

    [[nodiscard]] int integer(int column) const { return static_cast<int>(number(column)); }
    [[nodiscard]] bool truth(int column) const { return number(column) != 0; }
    // A length of time, kept in seconds.
    [[nodiscard]] Milliseconds length(int column) const;
    [[nodiscard]] std::optional<std::int64_t> maybe_number(int column) const;
    [[nodiscard]] std::optional<int> maybe_integer(int column) const;
    [[nodiscard]] std::optional<std::string> maybe_text(int column) const;
    [[nodiscard]] std::optional<Milliseconds> maybe_length(int column) const;

private:
    // Ends the run however it comes to its end: an unfinished one would hold the file.
    struct Running {
        explicit Running(Statement& of) : statement(of), changes_before(of.changes()) {}
        Running(const Running&) = delete;
        Running& operator=(const Running&) = delete;
        ~Running() { statement.reset(); }
        Statement& statement;
        int changes_before;
    };
    struct Finalize {
        void operator()(sqlite3_stmt* handle) const noexcept;
    };

    void bind(int index, std::nullptr_t);
    void bind(int index, double value);
    void bind(int index, std::string_view value);
    void bind(int index, const char* value) { bind(index, std::string_view(value)); }
    void bind(int index, const std::string& value) { bind(index, std::string_view(value)); }
    void bind(int index, Milliseconds value) { bind(index, static_cast<double>(value.count()) / 1000.0); }
    void bind(int index, std::integral auto value) { bind_number(index, static_cast<std::int64_t>(value)); }
    template <typename Value>
    void bind(int index, const std::optional<Value>& value)
    {
        value ? bind(index, *value) : bind(index, nullptr);
    }
    void bind_number(int index, std::int64_t value);

    [[nodiscard]] bool step();
    void reset() noexcept;
    [[nodiscard]] int changes() const;
    void check(int code) const;

    sqlite3* database_;
    const std::string* file_;
    std::unique_ptr<sqlite3_stmt, Finalize> handle_;
    int parameters_ = 0;
};

} // namespace jobrunner::sqlite
