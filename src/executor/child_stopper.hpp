#pragma once

#include "executor/child_table.hpp"
#include "executor/host_processes.hpp"
#include "executor/orphan_book.hpp"

#include <optional>
#include <string>
#include <vector>

namespace jobrunner {

// Ends children before their time. The first reason that is given for a child is the one it ends with.
// Does nothing about a child that is dead.
class ChildStopper {
public:
    using Time = Child::Time;

    ChildStopper(ChildTable& children, const OrphanBook& orphans) : children_(children), orphans_(orphans) {}

    // SIGTERM to the child and all its descendants, and kill() after its grace. Once only.
    void stop(Child& child, ProcessEnd end, std::string reason, Time now);

    // SIGKILL to the child's group. What is outside of it is killed when the child is dead.
    void kill(Child& child, ProcessEnd end, std::string reason);
    void kill_all(ProcessEnd end, const std::string& reason);

    // What was seen of the host's processes is out of date.
    void begin_turn() { processes_.reset(); }

private:
    void signal_descendants_outside_group(const Child& child);
    [[nodiscard]] const std::vector<HostProcess>& processes();

    ChildTable& children_;
    const OrphanBook& orphans_;
    std::optional<std::vector<HostProcess>> processes_;
};

} // namespace jobrunner
