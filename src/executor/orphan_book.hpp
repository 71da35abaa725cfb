#pragma once

#include "executor/child_table.hpp"
#include "executor/host_processes.hpp"

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <vector>

namespace jobrunner {

// Descendants of children that have lost their own parent. The kernel makes them children of the
// supervisor, whatever group or session they have gone to, and so nothing that a child leaves behind is missed.
//
// Whose an orphan is, is told by its process group, else by the job's mark in its environment, else by a pipe of the child
// that it still holds. One that has none of these belongs to every child that was there when it was
// found. An orphan lives as long as one of its owners does: a job may well use what it has put into the background.
class OrphanBook {
public:
    // Looks for new orphans. Costs one read of /proc where there are none.
    void look(const ChildTable& children);

    // The child is dead.
    void release(const Child& child);

    // Kills those whose owners are all dead.
    void kill_unowned();

    // The process is gone. Returns false if it was not in the book.
    bool forget(pid_t pid) { return orphans_.erase(pid) > 0; }

    // Whether an orphan of this dead child is still to be killed or dying.
    [[nodiscard]] bool has_dying_of(const Child& child) const;

    // The orphans that a living child owns, alone or with others.
    [[nodiscard]] std::vector<pid_t> owned_by(const Child& child) const;

    [[nodiscard]] bool empty() const { return orphans_.empty(); }

private:
    // Children by their serials.
    struct Orphan {
        bool leads_group = false;
        bool was_killed = false;
        std::vector<std::uint64_t> living_owners;
        std::vector<std::uint64_t> dead_owners;
    };

    [[nodiscard]] static Orphan identify(pid_t pid, const ChildTable& children);
    [[nodiscard]] static std::vector<const Child*> owners(pid_t pid, pid_t group, const ChildTable& children);

    std::map<pid_t, Orphan> orphans_;
};

} // namespace jobrunner
