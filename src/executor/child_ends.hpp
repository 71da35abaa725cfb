#pragma once

#include "executor/child_pipes.hpp"
#include "executor/child_table.hpp"
#include "executor/dead_child.hpp"
#include "executor/orphan_book.hpp"
#include "executor/worker_link.hpp"

#include <chrono>
#include <vector>

namespace jobrunner {

// From the death of a child to the report of its end: what it wrote, what it cost, and that nothing
// of it is left.
class ChildEnds {
public:
    using Time = Child::Time;

    // So long the report waits for descendants that were killed and do not die.
    static constexpr std::chrono::seconds kill_patience{5};

    ChildEnds(ChildTable& children, ChildPipes& pipes, OrphanBook& orphans, WorkerLink& link)
        : children_(children), pipes_(pipes), orphans_(orphans), link_(link)
    {
    }

    // Takes in all processes that have exited. Requires: a child's death may have been signalled.
    void reap(Time now);

    // Kills what dead children left behind, and reports those that left nothing.
    void settle();

    // Reports a dead child although something is left.
    void give_up_on(Child& child);

private:
    void note_death(Child& child, const DeadChild& dead, Time now);
    void report(Child& child);

    ChildTable& children_;
    ChildPipes& pipes_;
    OrphanBook& orphans_;
    WorkerLink& link_;
    std::vector<Child*> dead_; // not yet reported
    bool has_new_deaths_ = false;
};

} // namespace jobrunner
