// Runs in a child that shares the supervisor's memory: plain system calls only, no allocation, no locks, nothing
// that the C library does for all threads of a process.

#include "executor/child_plan.hpp"

#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>

namespace jobrunner {

namespace {

constexpr unsigned first_foreign_descriptor = 4;

// Leaves the supervisor's table of descriptors, taking 0 to 3 along. Copying the whole table instead would
// cost more the more children run.
bool leave_descriptors(const ChildPlan& plan)
{
    return !plan.shares_descriptors ||
        ::syscall(SYS_close_range, first_foreign_descriptor, UINT_MAX, CLOSE_RANGE_UNSHARE) == 0;
}

bool set_priority(const ChildPlan& plan)
{
    return plan.command.spec.nice == 0 || ::setpriority(PRIO_PROCESS, 0, plan.command.spec.nice) == 0;
}

bool set_umask(const ChildPlan& plan)
{
    if (plan.command.spec.umask)
        ::umask(*plan.command.spec.umask);
    return true;
}

bool set_user_groups(const ChildPlan& plan)
{
    const auto& who = plan.command.credentials;
    return !who || ::syscall(SYS_setgroups, who->groups.size(), who->groups.data()) == 0;
}

bool set_user_group(const ChildPlan& plan)
{
    const auto& who = plan.command.credentials;
    return !who || ::syscall(SYS_setresgid, who->group, who->group, who->group) == 0;
}

bool set_user(const ChildPlan& plan)
{
    const auto& who = plan.command.credentials;
    return !who || ::syscall(SYS_setresuid, who->user, who->user, who->user) == 0;
}

bool give_up_privileges(const ChildPlan& plan)
{
    return !plan.command.spec.no_new_privileges || ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

bool set_limits(const ChildPlan& plan)
{
    for (const ResourceLimit& limit : plan.limits)
        if (::setrlimit(limit.resource, &limit.value) != 0)
            return false;
    return true;
}

bool enter_directory(const ChildPlan& plan)
{
    return plan.command.spec.directory.empty() || ::chdir(plan.command.spec.directory.c_str()) == 0;
}

// Only after the change of user, which clears the signal. The supervisor may have died before it was set.
bool die_with_supervisor(const ChildPlan& plan)
{
    errno = ESRCH;
    return ::prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && ::getppid() == plan.supervisor;
}

// Whether the program may still be found further down the path, by the rules of execvp.
bool is_not_here(int error)
{
    switch (error) {
    case EACCES:
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG:
    case ELOOP:
    case ESTALE:
    case ENODEV:
    case ETIMEDOUT:
        return true;
    default:
        return false;
    }
}

bool run_program(const ChildPlan& plan)
{
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);

    bool was_denied = false;
    for (const std::string& path : plan.program_paths) {
        ::execve(path.c_str(), plan.argv.data(), plan.environment.data());
        if (!is_not_here(errno))
            return false;
        was_denied |= errno == EACCES;
    }
    errno = was_denied ? EACCES : errno;
    return false;
}

bool take_step(ChildStep step, const ChildPlan& plan)
{
    switch (step) {
    case ChildStep::descriptors:
        return leave_descriptors(plan);
    case ChildStep::group:
        return ::setpgid(0, 0) == 0;
    case ChildStep::priority:
        return set_priority(plan);
    case ChildStep::umask:
        return set_umask(plan);
    case ChildStep::user_groups:
        return set_user_groups(plan);
    case ChildStep::user_group:
        return set_user_group(plan);
    case ChildStep::user:
        return set_user(plan);
    case ChildStep::privileges:
        return give_up_privileges(plan);
    case ChildStep::limits:
        return set_limits(plan);
    case ChildStep::directory:
        return enter_directory(plan);
    case ChildStep::parent:
        return die_with_supervisor(plan);
    case ChildStep::program:
        return run_program(plan);
    }
    return false;
}

} // namespace

int become_program(void* plan_address)
{
    ChildPlan& plan = *static_cast<ChildPlan*>(plan_address);
    ChildStep step = ChildStep::descriptors;
    while (take_step(step, plan))
        step = static_cast<ChildStep>(static_cast<int>(step) + 1);
    plan.failed_step = step;
    plan.error_number = errno;
    return 127;
}

} // namespace jobrunner
