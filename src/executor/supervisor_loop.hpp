#pragma once

#include "executor/child_ends.hpp"
#include "executor/child_pipes.hpp"
#include "executor/child_spawner.hpp"
#include "executor/child_stopper.hpp"
#include "executor/child_table.hpp"
#include "executor/lease_timer.hpp"
#include "executor/orphan_book.hpp"
#include "executor/poller.hpp"
#include "executor/supervisor_protocol.hpp"
#include "executor/worker_link.hpp"

#include <chrono>
#include <optional>

namespace jobrunner {

// The supervisor at work: one loop that waits for the worker, for children and for deadlines, and for
// nothing else.
//
// Threads:  the process has one only.
// Requires: the process is set up as run_supervisor() does it.
// Errors:   throws Error or std::system_error when it cannot go on; the process must exit then, which kills the
//           children.
class SupervisorLoop {
public:
    using Time = Child::Time;

    SupervisorLoop(Descriptor worker, const rlimit& open_files);

    // Returns when the worker is gone, and all children with it.
    void run();

private:
    [[nodiscard]] bool is_done() const;
    void turn();
    [[nodiscard]] std::optional<std::chrono::nanoseconds> time_to_wait() const;
    void take_events();
    void take_event(const epoll_event& event);
    void take_signals() const;
    void watch_lease();
    void update_link();

    void take_commands();
    void obey(const SettingsCommand& command) { live_every_ = command.live_every; }
    void obey(const StartCommand& command);
    void obey(const StopCommand& command);
    void obey(const KillAllCommand& command);
    void obey(const ExtendCommand& command);
    void obey(const LeaseCommand& command);
    void obey(const InputCommand& command);

    void meet_deadlines();
    void meet_deadlines_of(Child& child);
    void plan_report(Child& child);
    void report_output(Child& child);
    void leave();

    ChildSpawner spawner_; // first, so that no other takes its descriptors
    Poller poller_;
    Descriptor signals_;
    LeaseTimer lease_;
    WorkerLink link_;
    ChildTable children_;
    OrphanBook orphans_;
    ChildPipes pipes_;
    ChildStopper stopper_;
    ChildEnds ends_;

    Time now_;
    std::chrono::milliseconds live_every_{250};
    bool child_signalled_ = false;
    bool lease_fired_ = false;
    bool link_waits_for_room_ = false;
    std::optional<Time> leave_at_; // set once the worker is gone
};

} // namespace jobrunner
