#include "executor/dead_child.hpp"

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace jobrunner {

std::optional<DeadChild> find_dead_child()
{
    siginfo_t info{};
    DeadChild child;
    // The library's waitid() leaves out the kernel's fifth argument.
    if (::syscall(SYS_waitid, P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT, &child.usage) != 0 ||
        info.si_pid == 0)
        return std::nullopt;
    child.pid = info.si_pid;
    if (info.si_code == CLD_EXITED)
        child.exit_code = info.si_status;
    else
        child.signal = info.si_status;
    child.core_dumped = info.si_code == CLD_DUMPED;
    return child;
}

void bury(const DeadChild& child)
{
    ::waitpid(child.pid, nullptr, WNOHANG);
}

} // namespace jobrunner
