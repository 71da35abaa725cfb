#include "storage/sqlite/connection.hpp"

#include "storage/sqlite/errors.hpp"
#include "storage/sqlite/journal_mode.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <filesystem>

namespace jobrunner::sqlite {
namespace {

// FULL: a commit is on the disk when it returns. Temporary data stays in memory, so that no statement journal costs a
// file. A larger cache keeps a large settle from spilling.
constexpr std::string_view settings =
    "PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16384; "
    "PRAGMA journal_size_limit = 67108864;";

int on_busy(void* wait, int tries)
{
    return static_cast<BusyWait*>(wait)->pause(tries) ? 1 : 0;
}

} // namespace

Connection::Connection(const std::string& path, const DatabaseOptions& options, Missing missing,
    std::vector<std::string_view> scratch)
    : file_(std::filesystem::absolute(path).lexically_normal().string()),
      deadline_(options.deadline),
      missing_(missing),
      scratch_(std::move(scratch))
{
    busy_.start(deadline_);
    open();
}

void Connection::Close::operator()(sqlite3* database) const noexcept
{
    sqlite3_close_v2(database);
}

void Connection::open()
{
    statements_.clear();
    database_.reset();
    if (missing_ == Missing::create) {
        create_file();
    }
    sqlite3* database = nullptr;
    const int code =
        sqlite3_open_v2(file_.c_str(), &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
    database_.reset(database);
    if (code != SQLITE_OK) {
        const auto failed = std::move(database_);
        throw_open_error(failed.get(), code, file_);
    }
    try {
        set_up();
    } catch (...) {
        statements_.clear();
        database_.reset();
        throw;
    }
}

// For its owner and group, as far as the umask lets; the journal takes after it. Nobody can have a file open that is
// made here, so closing it takes nobody's locks away.
void Connection::create_file() const
{
    const int made = ::open(file_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0660);
    if (made >= 0) {
        ::close(made);
    }
}

void Connection::set_up()
{
    sqlite3_extended_result_codes(database_.get(), 1);
    sqlite3_busy_handler(database_.get(), &on_busy, &busy_);
    run_script(settings);
    choose_journal();
    for (std::string_view block : scratch_) {
        Statement(database_.get(), block, file_).run();
    }
}

// A rollback journal that stays and is overwritten: unlike a deleted one it cannot come back after a power cut and undo a
// commit, and unlike a truncated one it takes no changes to the file system's own tables, which each cost a flush.
void Connection::choose_journal()
{
    if (ask("PRAGMA journal_mode") == "wal" && is_wal_safe_here()) {
        return;
    }
    for (int tries = 0; ask("PRAGMA journal_mode = PERSIST") != "persist"; ++tries) {
        if (!busy_.pause(tries)) {
            throw Error(ErrorKind::unreachable,
                file_ + " is in WAL mode, which SQLite " + sqlite3_libversion() +
                    " may damage, and another program keeps it there; close that program and try again");
        }
    }
}

void Connection::prefer_wal()
{
    busy_.start(deadline_);
    if (is_wal_safe_here()) {
        static_cast<void>(ask("PRAGMA journal_mode = WAL"));
    }
}

bool Connection::has_moved() const
{
    int moved = 0;
    sqlite3_file_control(database_.get(), "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    return moved != 0;
}

void Connection::begin(std::string_view sql)
{
    busy_.start(deadline_);
    if (!database_ || has_moved()) {
        reopen();
    }
    statement(sql).run();
}

void Connection::reopen()
{
    try {
        open();
    } catch (const Error& error) {
        // It was there before: it may come back, and it is not for a migration to make another.
        throw Error(
            error.kind() == ErrorKind::outdated ? ErrorKind::unreachable : error.kind(), error.what());
    }
}

void Connection::commit()
{
    try {
        statement("COMMIT").run();
    } catch (const Error&) {
        throw_commit_error(database_.get(), sqlite3_extended_errcode(database_.get()), file_);
    }
}

void Connection::roll_back(ErrorKind reason) noexcept
{
    if (database_ && sqlite3_get_autocommit(database_.get()) == 0) {
        sqlite3_exec(database_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
    }
    if (reason == ErrorKind::unreachable || reason == ErrorKind::in_doubt || reason == ErrorKind::internal) {
        statements_.clear();
        database_.reset();
    }
}

std::vector<Statement>& Connection::prepared(std::string_view block)
{
    auto& statements = statements_[block.data()];
    if (statements.empty()) {
        statements = prepare_all(block);
    }
    return statements;
}

std::vector<Statement> Connection::prepare_all(std::string_view sql)
{
    std::vector<Statement> all;
    while (!sql.empty()) {
        Statement next(database_.get(), sql, file_);
        if (!next.empty()) {
            all.push_back(std::move(next));
        }
    }
    return all;
}

std::int64_t Connection::last_id() const
{
    return sqlite3_last_insert_rowid(database_.get());
}

void Connection::run_script(std::string_view sql)
{
    while (!sql.empty()) {
        Statement next(database_.get(), sql, file_);
        if (!next.empty()) {
            next.run();
        }
    }
}

std::string Connection::ask(std::string_view sql)
{
    std::string answer;
    Statement question(database_.get(), sql, file_);
    question.each([&](const Statement& row) { answer = row.text(0); });
    return answer;
}

} // namespace jobrunner::sqlite
