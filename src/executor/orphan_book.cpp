#include "executor/orphan_book.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <string>

namespace jobrunner {

namespace {

template <class Predicate>
std::vector<const Child*> select(const ChildTable& children, Predicate predicate)
{
    std::vector<const Child*> selected;
    for (const Child* child : children.all())
        if (predicate(*child))
            selected.push_back(child);
    return selected;
}

bool has_pipe(const Child& child, const std::vector<std::uint64_t>& pipes)
{
    return std::any_of(child.pipes.begin(), child.pipes.end(), [&](const ChildPipe& pipe) {
        struct stat status {};
        return pipe.descriptor && ::fstat(pipe.descriptor.get(), &status) == 0 &&
            std::find(pipes.begin(), pipes.end(), status.st_ino) != pipes.end();
    });
}

std::string entry_with_ends(const std::string& mark)
{
    return std::string(1, '\0') + mark + std::string(1, '\0');
}

} // namespace

std::vector<const Child*> OrphanBook::owners(pid_t pid, pid_t group, const ChildTable& children)
{
    // The number of a group is not given away while a process is in it, so it means a living child if there is one.
    if (const Child* leader = children.find_pid(group))
        return {leader};
    auto found = select(children, [&](const Child& child) { return child.pid == group; });
    if (!found.empty())
        return found;

    const std::string environment = environment_of(pid);
    found = select(children, [&](const Child& child) {
        return !child.mark.empty() && environment.find(entry_with_ends(child.mark)) != std::string::npos;
    });
    if (!found.empty())
        return found;

    const auto pipes = pipes_of(pid);
    found = select(children, [&](const Child& child) { return has_pipe(child, pipes); });
    return !found.empty() ? found : select(children, [](const Child&) { return true; });
}

OrphanBook::Orphan OrphanBook::identify(pid_t pid, const ChildTable& children)
{
    Orphan orphan;
    const auto process = find_host_process(pid);
    orphan.leads_group = process && process->group == pid;
    for (const Child* owner : owners(pid, process ? process->group : 0, children)) {
        const bool is_dead = owner->phase == ChildPhase::dead;
        (is_dead ? orphan.dead_owners : orphan.living_owners).push_back(owner->serial);
    }
    return orphan;
}

void OrphanBook::look(const ChildTable& children)
{
    for (const pid_t pid : own_children())
        if (!children.find_pid(pid) && !orphans_.contains(pid))
            orphans_.emplace(pid, identify(pid, children));
}

void OrphanBook::release(const Child& child)
{
    for (auto& [pid, orphan] : orphans_)
        if (std::erase(orphan.living_owners, child.serial) > 0)
            orphan.dead_owners.push_back(child.serial);
}

void OrphanBook::kill_unowned()
{
    for (auto& [pid, orphan] : orphans_) {
        if (orphan.was_killed || !orphan.living_owners.empty())
            continue;
        // It is our child and not yet waited for, so pid and group are still its own.
        ::kill(orphan.leads_group ? -pid : pid, SIGKILL);
        orphan.was_killed = true;
    }
}

bool OrphanBook::has_dying_of(const Child& child) const
{
    return std::any_of(orphans_.begin(), orphans_.end(), [&](const auto& entry) {
        const Orphan& orphan = entry.second;
        return orphan.living_owners.empty() &&
            std::find(orphan.dead_owners.begin(), orphan.dead_owners.end(), child.serial) !=
            orphan.dead_owners.end();
    });
}

std::vector<pid_t> OrphanBook::owned_by(const Child& child) const
{
    std::vector<pid_t> pids;
    for (const auto& [pid, orphan] : orphans_) {
        const auto& owners = orphan.living_owners;
        if (std::find(owners.begin(), owners.end(), child.serial) != owners.end())
            pids.push_back(pid);
    }
    return pids;
}

} // namespace jobrunner
