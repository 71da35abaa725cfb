#pragma once

#include "executor/child_table.hpp"
#include "executor/poller.hpp"
#include "executor/worker_link.hpp"

#include <chrono>
#include <memory>

namespace jobrunner {

// Reads what children write: output into their tails, lines of descriptor 3 to the worker. Each read is
// bounded, so that a flood from one child does not starve the others.
class ChildPipes {
public:
    ChildPipes(Poller& poller, WorkerLink& link);

    // Lets the poller report a child's pipes, each with its ChildPipe as the tag.
    void watch(Child& child);

    // Reads once, unless the worker has too much to take already. Requires: the pipe was reported.
    void read(ChildPipe& pipe);

    // Adds to what an interactive child is to read, and gives it what it takes now.
    void add_input(Child& child, std::string_view bytes, bool closes);
    // Gives an interactive child more of it.
    void feed(Child& child);

    // Reads what a dead child has left, and no more of it, whoever else may write into its pipes. Those that somebody
    // still holds stay open: they tell whose descendant that is.
    void drain(Child& child);

    // Stops and resumes reading of all children; they wait when their pipes are full.
    void pause(const ChildTable& children);
    void resume(const ChildTable& children);
    [[nodiscard]] bool is_paused() const { return is_paused_; }

private:
    // What one read did.
    enum class Outcome : std::uint8_t { some, nothing, end };

    [[nodiscard]] Outcome read_once(ChildPipe& pipe);
    void take(ChildPipe& pipe, std::string_view bytes);
    void end_messages(Child& child);

    void take_messages(Child& child, std::string_view bytes);
    void report_errors_first(Child& child);
    void settle_input(Child& child);
    void end_input(Child& child);

    Poller& poller_;
    WorkerLink& link_;
    std::unique_ptr<char[]> buffer_;
    std::unique_ptr<char[]> error_buffer_;
    bool is_paused_ = false;
};

} // namespace jobrunner
