#include "executor/child_stopper.hpp"

#include "executor/descriptor.hpp"

#include <sys/syscall.h>

#include <csignal>
#include <utility>

namespace jobrunner {

namespace {

void note_reason(Child& child, ProcessEnd end, std::string reason)
{
    if (std::exchange(child.was_stopped, true))
        return;
    child.result.end = end;
    child.result.error = std::move(reason);
}

// Holds on to the process before it looks whether it is still the one that was meant.
void ask_to_end(const HostProcess& meant)
{
    const Descriptor process(static_cast<int>(::syscall(SYS_pidfd_open, meant.pid, 0)));
    const auto present = find_host_process(meant.pid);
    if (process && present && present->parent == meant.parent && present->group == meant.group)
        ::syscall(SYS_pidfd_send_signal, process.get(), SIGTERM, nullptr, 0);
}

// A group has its number for itself as long as the child was not waited for. A child may have left its own; one that
// has not must not get a signal twice.
void signal_group(const Child& child, int number)
{
    ::kill(-child.pid, number);
    if (::getpgid(child.pid) != child.pid)
        ::kill(child.pid, number);
}

} // namespace

const std::vector<HostProcess>& ChildStopper::processes()
{
    if (!processes_)
        processes_ = all_host_processes();
    return *processes_;
}

void ChildStopper::signal_descendants_outside_group(const Child& child)
{
    const auto ask_those_below = [&](pid_t root) {
        for (const HostProcess& process : descendants_of(root, processes()))
            if (process.group != child.pid)
                ask_to_end(process);
    };
    ask_those_below(child.pid);
    for (const pid_t orphan : orphans_.owned_by(child)) {
        ::kill(orphan, SIGTERM);
        ask_those_below(orphan);
    }
}

void ChildStopper::stop(Child& child, ProcessEnd end, std::string reason, Time now)
{
    if (child.phase != ChildPhase::running)
        return;
    note_reason(child, end, std::move(reason));
    child.phase = ChildPhase::stopping;
    child.timeout_at.reset();
    child.kill_at = now + child.grace;
    children_.book(child);

    signal_descendants_outside_group(child);
    signal_group(child, SIGTERM);
    signal_group(child, SIGCONT); // a stopped process would not see the other signal
}

void ChildStopper::kill(Child& child, ProcessEnd end, std::string reason)
{
    if (child.phase == ChildPhase::dead)
        return;
    note_reason(child, end, std::move(reason));
    child.phase = ChildPhase::killed;
    child.timeout_at.reset();
    child.kill_at.reset();
    children_.book(child);

    signal_group(child, SIGKILL);
}

void ChildStopper::kill_all(ProcessEnd end, const std::string& reason)
{
    for (Child* child : children_.all())
        kill(*child, end, reason);
}

} // namespace jobrunner
