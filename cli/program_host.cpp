#include "cli/program_host.hpp"

#include "client/read_number.hpp"
#include "core/error.hpp"
#include "worker/worker_log.hpp"

#include <array>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <pwd.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace jobrunner {
namespace {

std::optional<std::string> variable(const char* name)
{
    const char* const value = std::getenv(name);
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

std::optional<std::size_t> columns_variable()
{
    constexpr NumberRange believable{20, 10'000};
    const auto columns = variable("COLUMNS");
    try {
        return columns ? std::optional(static_cast<std::size_t>(read_int(*columns, "COLUMNS", believable)))
                       : std::nullopt;
    } catch (const Error&) {
        return std::nullopt; // somebody else's variable, and only a hint
    }
}

// Columns of the terminal that is standard output; nothing where it is none.
std::optional<std::size_t> terminal_width()
{
    if (::isatty(STDOUT_FILENO) == 0) {
        return std::nullopt;
    }
    if (const auto columns = columns_variable()) {
        return columns;
    }
    constexpr std::size_t usual = 80;
    winsize size{};
    const bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    return known ? size.ws_col : usual;
}

std::string user_name()
{
    std::array<char, 4096> buffer{};
    passwd entry{};
    passwd* found = nullptr;
    ::getpwuid_r(::geteuid(), &entry, buffer.data(), buffer.size(), &found);
    return found != nullptr ? found->pw_name : std::to_string(::geteuid());
}

std::string actor()
{
    std::array<char, 256> host{};
    const bool known = ::gethostname(host.data(), host.size() - 1) == 0;
    return user_name() + (known ? "@" + std::string(host.data()) : "");
}

TimePoint system_now()
{
    return std::chrono::floor<Milliseconds>(std::chrono::system_clock::now());
}

} // namespace

ProgramHost::ProgramHost()
    : host_{.in = std::cin,
          .out = output_.stream(),
          .err = std::cerr,
          .reader_gone = [this] { return output_.reader_gone(); },
          .out_width = terminal_width(),
          .err_is_terminal = ::isatty(STDERR_FILENO) != 0,
          .variable = variable,
          .now = system_now,
          .clock = host_clock(),
          .actor = actor(),
          .open_storage = open_storage,
          .open_migrator = open_migrator,
          .run_worker = run_worker,
          .run_server = run_server,
          .set_up_log = set_up_log}
{
    std::signal(SIGPIPE, SIG_IGN);
    std::ios::sync_with_stdio(false);
}

} // namespace jobrunner
