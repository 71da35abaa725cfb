#pragma once

#include "core/error.hpp"
#include "storage/open_storage.hpp"
#include "storage/sqlite/busy_wait.hpp"
#include "storage/sqlite/statement.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

namespace jobrunner::sqlite {

// One connection to an SQLite file. Opened at once; opened anew at the next call after it broke, and when another file
// has come to stand under its name.
//
// A call that finds the file held by others waits and tries again until DatabaseOptions::deadline has passed: nobody
// above sees SQLITE_BUSY, only, in the end, Error{unreachable}.
//
// Threads: not thread-safe. A process may have any number of connections to one file.
// Errors:  throws Error. After one that concerns the file it is closed, and the next call opens it.
class Connection {
public:
    enum class Missing { refuse, create };

    // `scratch`: blocks of queries.sql whose first statement makes a temporary table; it is made at each opening, since
    // one made in a transaction would go with it when it is rolled back.
    Connection(const std::string& path, const DatabaseOptions& options, Missing missing,
        std::vector<std::string_view> scratch = {});
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection() = default;

    // Runs `work` in a transaction that may write. It takes the file at once, so that nothing in it can fail for want
    // of a lock. What `work` throws rolls back.
    template <typename Work>
    auto write(Work&& work)
    {
        return transact("BEGIN IMMEDIATE", std::forward<Work>(work));
    }

    // Runs `work` in a transaction that only reads: it sees one state of the file.
    template <typename Work>
    auto read(Work&& work)
    {
        return transact("BEGIN", std::forward<Work>(work));
    }

    // The `nth` statement of a block of queries.sql, prepared when first asked for. Inside write() and read() only;
    // valid until they end.
    [[nodiscard]] Statement& statement(std::string_view block, std::size_t nth = 0)
    {
        return prepared(block).at(nth);
    }
    // Runs every statement of a block in order, with the same parameters, and returns how many rows they changed.
    template <typename... Values>
    int run_all(std::string_view block, const Values&... values)
    {
        int changed = 0;
        for (auto& one : prepared(block)) {
            changed += one.run(values...);
        }
        return changed;
    }
    // The id of the row that the last insert into a table added. The same holds.
    [[nodiscard]] std::int64_t last_id() const;
    // For statements that are not ours. The same holds.
    [[nodiscard]] sqlite3* handle() const { return database_.get(); }
    // Runs every statement of a script, such as a migration. The same holds.
    void run_script(std::string_view sql);
    // Makes the file a WAL-mode one where that is safe. Outside of write() and read() only.
    void prefer_wal();

    [[nodiscard]] const std::string& file() const { return file_; }

private:
    struct Close {
        void operator()(sqlite3* database) const noexcept;
    };

    template <typename Work>
    auto transact(std::string_view begin_sql, Work&& work)
    {
        try {
            begin(begin_sql);
            if constexpr (std::is_void_v<std::invoke_result_t<Work>>) {
                work();
                commit();
            } else {
                auto result = work();
                commit();
                return result;
            }
        } catch (const Error& error) {
            roll_back(error.kind());
            throw;
        } catch (...) {
            roll_back(ErrorKind::refused);
            throw;
        }
    }

    void begin(std::string_view sql);
    void commit();
    // Ends what is open, and lets the file go where `reason` puts the connection in question.
    void roll_back(ErrorKind reason) noexcept;
    void open();
    void reopen();
    void create_file() const;
    void set_up();
    void choose_journal();
    [[nodiscard]] bool has_moved() const;
    [[nodiscard]] std::vector<Statement>& prepared(std::string_view block);
    [[nodiscard]] std::vector<Statement> prepare_all(std::string_view sql);
    [[nodiscard]] std::string ask(std::string_view sql);

    std::string file_;
    Milliseconds deadline_;
    Missing missing_;
    std::vector<std::string_view> scratch_;
    BusyWait busy_;
    std::unique_ptr<sqlite3, Close> database_;
    // By the block's text, which lives in the binary. Declared after the database: statements go first.
    std::unordered_map<const char*, std::vector<Statement>> statements_;
};

} // namespace jobrunner::sqlite
