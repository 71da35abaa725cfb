#include "storage/sqlite_file.hpp"

#include "core/error.hpp"

#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <filesystem>

namespace jobrunner::tests {

SqliteFile::SqliteFile()
{
    std::string name = (std::filesystem::temp_directory_path() / "jobrunner_sqlite_XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
        throw Error(ErrorKind::internal, "no temporary folder");
    }
    folder_ = name;
}

SqliteFile::~SqliteFile()
{
    close();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

DatabaseOptions SqliteFile::options() const
{
    DatabaseOptions options;
    options.url = "sqlite://" + path();
    return options;
}

void SqliteFile::migrate() const
{
    open_migrator(options())->migrate(std::nullopt);
}

std::string SqliteFile::sql(const std::string& text)
{
    if (database_ == nullptr) {
        sqlite3_open(path().c_str(), &database_);
        sqlite3_busy_timeout(database_, 10'000);
    }
    std::string value;
    const auto keep = [](void* into, int columns, char** values, char**) {
        *static_cast<std::string*>(into) = columns > 0 && values[0] != nullptr ? values[0] : "";
        return 0;
    };
    char* message = nullptr;
    if (sqlite3_exec(database_, text.c_str(), keep, &value, &message) != SQLITE_OK) {
        const std::string words = message == nullptr ? "" : message;
        sqlite3_free(message);
        throw Error(ErrorKind::refused, words);
    }
    return value;
}

void SqliteFile::close()
{
    sqlite3_close(database_);
    database_ = nullptr;
}

int in_child(const std::function<void()>& work)
{
    const int pid = ::fork();
    if (pid != 0) {
        return pid;
    }
    try {
        work();
    } catch (const std::exception&) {
        ::_exit(1);
    }
    ::_exit(0);
}

int wait_for_child(int pid)
{
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

} // namespace jobrunner::tests
