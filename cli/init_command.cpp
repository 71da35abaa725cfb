#include "cli/commands.hpp"
#include "cli/terminal_text.hpp"
#include "config/database_url.hpp"

#include <cerrno>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>

namespace jobrunner {
namespace {

constexpr std::string_view before_database =
    R"(# The configuration of jobrunner: where the jobs are, and what each kind of job executes.
# Rows in the database only name a kind; what it executes stands here alone.

# sqlite:///path, sqlite:path (relative to this file) or postgresql://user@host/database.
# --database and $JOBRUNNER_DATABASE win over this line. Keep passwords in ~/.pgpass.
)";

constexpr std::string_view after_database = R"(
[worker]
slots = 4                   # jobs that run at the same time
shutdown_timeout = "30s"    # how long running jobs may go on after SIGTERM

# For every kind that does not say otherwise.
[defaults]
max_attempts = 25
backoff = { base = "5s", factor = 2.0, cap = "6h", jitter = 0.1 }
timeout = "5m"
keep_completed = "7d"

# A process for each job. {args.name} becomes one argument, whatever it holds; no shell sees it.
[kinds.hello]
command = ["echo", "Hello, {args.name}!"]
pass_environment = ["PATH"]
timeout = "30s"
)";

std::string toml_string(const std::string& text)
{
    std::string quoted = "\"";
    for (const char c : text) {
        quoted += c == '"' || c == '\\' ? "\\" : "";
        quoted += c;
    }
    return quoted + "\"";
}

[[noreturn]] void fail(const std::string& path, int error)
{
    throw Error(
        ErrorKind::usage, "\"" + path + "\" cannot be written: " + std::generic_category().message(error));
}

// Makes the file, for its owner alone to change. Returns false where there is one already.
bool write_new_file(const std::string& path, const std::string& text)
{
    const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (descriptor < 0) {
        if (errno == EEXIST) {
            return false;
        }
        fail(path, errno);
    }
    const auto written = ::write(descriptor, text.data(), text.size());
    const int error = errno;
    if (::close(descriptor) != 0 || written != static_cast<ssize_t>(text.size())) {
        fail(path, written < 0 ? error : EIO);
    }
    return true;
}

std::string configuration_for(const std::optional<std::string>& database)
{
    std::string url = database.value_or("sqlite:jobrunner.sqlite");
    check_database_url(url);
    return std::string(before_database) + "database = " + toml_string(without_password(url)) + "\n" +
        std::string(after_database);
}

void print_next_steps(std::ostream& out, const std::string& command)
{
    out << "\nNext:\n"
        << "  " << command << " migrate                            # create the tables\n"
        << "  " << command << " enqueue hello '{\"name\": \"world\"}'  # add a job\n"
        << "  " << command << " work --until-idle                  # run what there is\n"
        << "  " << command << " list                               # see what became of it\n";
}

int initialize(Session& session)
{
    const std::string path = session.options().config.value_or("jobrunner.toml");
    const bool made = write_new_file(path, configuration_for(session.options().database));
    if (session.json()) {
        session.print(JsonObject().text("file", path).flag("made", made));
        return exit_done;
    }
    session.out() << shown(path) << (made ? " is written" : " is there already: nothing was changed") << '\n';
    const bool by_default = !session.options().config;
    print_next_steps(session.out(), by_default ? "jobrunner" : "jobrunner --config " + shown(path));
    return exit_done;
}

} // namespace

void add_init_command(CommandTree& tree)
{
    tree.add({.name = "init",
                 .about = "Writes a commented jobrunner.toml, unless there is one, and says what to do next.",
                 .examples = "jobrunner init\njobrunner init --database postgresql:///shop",
                 .group = "Setting up"},
        initialize);
}

} // namespace jobrunner
