#include "executor/supervisor.hpp"

#include "executor/descriptor.hpp"
#include "executor/small_memory.hpp"
#include "executor/supervisor_loop.hpp"
#include "executor/supervisor_process.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <string_view>
#include <system_error>

namespace jobrunner {

namespace {

// Above the descriptors that children get.
constexpr int first_own_descriptor = 10;

// Asks the kernel itself: the library keeps two signals to itself, and its posix_spawn leaves them ignored.
void set_default_action(int signal)
{
    struct {
        void* handler;
        unsigned long flags;
        void* restorer;
        std::uint64_t mask;
    } action{}; // all zero on every architecture
    ::syscall(SYS_rt_sigaction, signal, &action, nullptr, sizeof(action.mask));
}

// Signals are blocked, not ignored: a blocked signal still has its default action, which is what children
// are to have, so none needs to be set for each of them.
void block_signals()
{
    for (int signal = 1; signal < NSIG; ++signal)
        set_default_action(signal);
    sigset_t all;
    sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, nullptr);
}

// Out of reach of the terminal, and the parent of whatever its descendants leave behind.
void leave_session()
{
    ::setsid(); // fails if it leads one already
    ::prctl(PR_SET_NAME, "jobrunner-sup");
    if (::prctl(PR_SET_CHILD_SUBREAPER, 1) != 0)
        throw std::system_error(errno, std::generic_category(), "PR_SET_CHILD_SUBREAPER");
}

// Every child takes three descriptors here. Returns the limit as it was.
rlimit raise_open_files()
{
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    const rlimit raised{before.rlim_max, before.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &raised);
    return before;
}

Descriptor move_up(int descriptor)
{
    return Descriptor(::fcntl(descriptor, F_DUPFD_CLOEXEC, first_own_descriptor));
}

} // namespace

std::optional<int> supervisor_descriptor(int argc, const char* const* argv)
{
    if (argc != 3 || argv[1] != std::string_view(supervisor_argument))
        return std::nullopt;
    const std::string_view text = argv[2];
    int descriptor = -1;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), descriptor);
    const bool is_number = error == std::errc() && end == text.data() + text.size() && descriptor >= 0;
    return is_number ? std::optional(descriptor) : std::nullopt;
}

int run_supervisor(int descriptor)
{
    const Descriptor errors = move_up(STDERR_FILENO);
    try {
        block_signals();
        leave_session();
        Descriptor worker = move_up(descriptor);
        ::close(descriptor);
        const rlimit open_files = raise_open_files();
        SupervisorLoop loop(std::move(worker), open_files);
        release_unused_memory();
        loop.run();
        return 0;
    } catch (const std::exception& error) {
        ::dprintf(errors.get(), "jobrunner supervisor: %s\n", error.what());
        return 1;
    }
}

} // namespace jobrunner
