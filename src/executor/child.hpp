#pragma once

#include "executor/child_spawner.hpp"
#include "executor/descriptor.hpp"
#include "executor/message_lines.hpp"
#include "executor/output_tail.hpp"
#include "executor/supervisor_protocol.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace jobrunner {

using SupervisorClock = std::chrono::steady_clock;

struct Child;

enum class PipeRole : std::uint8_t { output, error, messages, input };

// The supervisor's end of one of a child's pipes.
struct ChildPipe {
    Child* child = nullptr;
    PipeRole role = PipeRole::output;
    Descriptor descriptor; // none once the other end is closed everywhere
};

// What an interactive child is still to read. Its bound is kept by the worker's end.
struct ChildInput {
    ChildPipe pipe;
    std::string bytes{};
    std::size_t written = 0;      // of `bytes`
    std::uint64_t unreported = 0; // taken by the child's pipe, and not said so yet
    bool is_watched = false;      // the pipe is full; the poller tells when it is not
    bool was_full = false;        // the child was given less than there was
    bool closes = false;
};

enum class ChildPhase : std::uint8_t {
    running,
    stopping, // was sent SIGTERM
    killed,   // was sent SIGKILL
    dead,     // is gone; descendants may be left
};

// One process as the supervisor sees it. Pipes point to their child, so it stays where it is.
struct Child {
    using Time = SupervisorClock::time_point;

    // `serial` is never used again, while the caller may reuse its key.
    Child(std::uint64_t serial, const ProcessSpec& spec, SpawnedChild spawned, Time started_at);
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    // The earliest instant at which something is due.
    [[nodiscard]] std::optional<Time> next_deadline() const;

    const std::uint64_t serial;
    const ProcessKey key;
    const pid_t pid;        // of its process group, too
    const std::string mark; // the entry of its environment that names the job; may be empty
    const Time started_at;
    const std::chrono::milliseconds grace;

    ChildPhase phase = ChildPhase::running;
    bool was_stopped = false; // by us; why is in `result`
    ProcessEnded result;

    OutputTail tail;
    MessageLines messages;
    std::array<ChildPipe, 3> pipes;
    ChildInput input;
    const bool is_interactive;
    bool wants_watch = false; // its pipes are to be watched; those of a short-lived child never are

    std::optional<Time> watch_at;
    std::optional<Time> timeout_at;
    std::optional<Time> kill_at;
    std::optional<Time> report_output_at;
    Time report_not_before;
    std::optional<Time> give_up_at; // on descendants that will not die

    std::optional<Time> booked_at; // belongs to ChildTable
};

} // namespace jobrunner
