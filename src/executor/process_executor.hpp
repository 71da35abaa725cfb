#pragma once

#include "executor/boot_clock.hpp"
#include "executor/process.hpp"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace jobrunner {

class ExecutorClient;

struct ProcessExecutorOptions {
    // The program that becomes the supervisor; its main() must do what executor/supervisor.hpp says.
    std::string supervisor_path = "/proc/self/exe";

    // How often the output of one long-running process is reported.
    std::chrono::milliseconds live_every{250};
};

// Runs commands as child processes, through a supervisor process of its own (executor/supervisor.hpp).
//
// Every start() is answered by exactly one ProcessEnded, whatever happens; before it come, for a process
// that could be started, one ProcessStarted and any number of ProcessOutput, ProcessMessage and
// ProcessInputTaken. Only
// destruction cuts this short.
//
// A child dies when it is told to, at the end of its timeout, when lease_until() passes, when the worker dies,
// and when the supervisor dies. If the supervisor dies, all running processes end as supervisor_lost and it
// is started anew, with backoff; until it is back, start() ends at once as supervisor_lost, too.
//
// Threads: all methods may be called from any thread, the handler's included. None waits for a process.
// Events: the handler is called on one thread of the executor, one event at a time and in the order of each
//         process. While it runs, no other event is delivered: hand long work over. It must not throw and
//         must not destroy the executor.
// Errors: the constructor throws Error if the supervisor cannot be started. Whatever goes wrong later is an
//         event.
class ProcessExecutor {
public:
    using EventHandler = std::function<void(ProcessEvent)>;

    explicit ProcessExecutor(EventHandler on_event, ProcessExecutorOptions options = {});

    // Kills what still runs, without events for it, and waits until it and the supervisor are gone. No event
    // is delivered afterwards.
    ~ProcessExecutor();

    ProcessExecutor(const ProcessExecutor&) = delete;
    ProcessExecutor& operator=(const ProcessExecutor&) = delete;

    // Starts a process. Requires: no process with this key runs (from start() until its ProcessEnded was
    // delivered); throws Error otherwise. A specification that cannot run (no program, a NUL in an
    // argument, too large, unknown user) ends as spawn_failed.
    void start(ProcessSpec spec);

    // SIGTERM to the process and its descendants, SIGKILL after its grace. It ends as stopped, with `reason` as its
    // error. Does nothing if the key is not running; the first of a timeout and several stops names the end.
    void stop(ProcessKey key, std::string reason);

    // As stop(), without the grace.
    void kill(ProcessKey key, std::string reason);
    void kill_all(std::string reason);

    // Adds to the standard input of an interactive process. False: it has not read what came before, and was given
    // nothing; a ProcessInputTaken tells when it makes sense to try again. What is written to a process that does not
    // run, or has closed its input, is lost.
    [[nodiscard]] bool write(ProcessKey key, std::string_view bytes);
    // The end of its standard input, behind what was written.
    void close_input(ProcessKey key);

    // Moves the timeout of a process that has one. Does nothing once the timeout has passed.
    void extend(ProcessKey key, std::chrono::milliseconds by);

    // From now on no child outlives `until`, which replaces the earlier value, and nothing is started after it: such
    // processes end as lease_lost. Before the first call there is no such limit. The supervisor watches
    // over it, so it holds while the worker is stopped or hangs.
    void lease_until(BootClock::time_point until);

    // Processes between start() and the delivery of their ProcessEnded.
    [[nodiscard]] std::size_t running() const;

private:
    std::unique_ptr<ExecutorClient> client_;
};

} // namespace jobrunner
