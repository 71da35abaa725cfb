#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace jobrunner {

// Names one process of an executor. Chosen by the caller; unique among those that run.
using ProcessKey = std::uint64_t;

// Resource limits of one process, as rlimits(7) see them: memory is address space, and `processes` counts
// all processes of the user. What is absent stays as the worker's own.
struct ProcessLimits {
    std::optional<std::uint64_t> memory_bytes{};
    std::optional<std::uint64_t> cpu_seconds{};
    std::optional<std::uint64_t> open_files{};
    std::optional<std::uint64_t> processes{};
    std::optional<std::uint64_t> file_size_bytes{};
};

// The whole of what a child process gets: nothing is inherited from the worker that is not named here.
//
// The child finds `stdin_data` on descriptor 0, has its output on 1 and 2 captured, may write lines on 3,
// and has no other descriptor. It leads a process group of its own and has no terminal.
// Its session is the supervisor's: a session for each process would make the scheduler treat each as a
// stranger to the other, and starting one wait behind whatever else is busy.
struct ProcessSpec {
    ProcessKey key = 0;

    // argv[0] without a slash is looked up in the PATH of `environment`, or in default_search_path.
    std::vector<std::string> argv{};

    // "NAME=value", complete. An entry JOBRUNNER_TOKEN (else JOBRUNNER_JOB_ID) also marks the descendants that
    // leave the child's group, so that they can be told from other jobs'.
    std::vector<std::string> environment{};

    std::string stdin_data{};

    // Standard input stays open for ProcessExecutor::write(), and what comes on standard output are messages. There is
    // nothing on descriptor 3 then. Requires: no `stdin_data`.
    bool interactive = false;

    std::string directory{}; // empty: the one that the worker was started in

    // When it passes, SIGTERM goes to the child and its descendants, and SIGKILL `grace` later.
    std::optional<std::chrono::milliseconds> timeout{};
    std::chrono::milliseconds grace{10'000};

    // The last so many bytes of standard output and error together are kept, process_output_bytes_max at most.
    std::size_t output_bytes_max = 64 * 1024;

    // A process that has run for so long has its output reported while it runs, too.
    std::chrono::milliseconds live_after{1000};

    ProcessLimits limits{};
    std::optional<std::string> user{}; // a name or a number; takes a worker that runs as root
    std::optional<mode_t> umask{};
    int nice = 0;
    bool no_new_privileges = true;
};

// Where a program is looked for when the environment of the child has no PATH.
inline constexpr const char* default_search_path =
    "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";

// The most bytes that arguments, environment and standard input of one process may have together.
inline constexpr std::size_t process_spec_bytes_max = std::size_t{64} * 1024 * 1024;

// The most output that is kept of one process.
inline constexpr std::size_t process_output_bytes_max = std::size_t{16} * 1024 * 1024;

// An interactive process that has not read so much of its input is given no more until it reads.
inline constexpr std::size_t process_input_bytes_max = std::size_t{256} * 1024;

// The longest line that a process may write as a message.
inline constexpr std::size_t process_message_bytes_max = std::size_t{1024} * 1024;

enum class OutputStream : std::uint8_t { out = 1, error = 2 };

// Bytes as the process wrote them: of any encoding, cut anywhere.
struct OutputChunk {
    OutputStream stream = OutputStream::out;
    std::string bytes{};

    friend bool operator==(const OutputChunk&, const OutputChunk&) = default;
};

enum class ProcessEnd : std::uint8_t {
    exited,          // by itself: `exit_code`
    signalled,       // by a signal that was not the executor's: `signal`
    timed_out,       // the timeout passed; exit_code or signal say how it went then
    stopped,         // stop(), kill() or kill_all(); `error` holds the reason given there
    lease_lost,      // the worker's lease passed, or had passed when it was to start
    spawn_failed,    // it never ran; `error` names the program or step and why, `error_number` is the errno
    supervisor_lost, // the supervisor died, and the process with it; how far it came is not known
};

struct ProcessStarted {
    ProcessKey key = 0;
    pid_t pid = 0;
};

// Output of a process that is still running, in the order in which it was read.
struct ProcessOutput {
    ProcessKey key = 0;
    std::vector<OutputChunk> chunks{};
    std::uint64_t bytes_dropped = 0; // what came before these chunks and was too much to report
};

// A line that the process wrote on descriptor 3, or an interactive one on standard output, without its newline; empty
// ones are left out. A line longer than process_message_bytes_max is reported once, as `too_long`, with its first
// bytes only.
struct ProcessMessage {
    ProcessKey key = 0;
    std::string line{};
    bool too_long = false;
};

// An interactive process has read, or the pipe to it has taken, so much more of what was written.
struct ProcessInputTaken {
    ProcessKey key = 0;
    std::uint64_t bytes = 0;
    bool closed = false; // it has closed its input: some of them, and whatever comes, are lost
};

// The last event of a process. Nothing of it is left alive by then, its descendants included, unless one of
// these is stuck in the kernel and did not die within some seconds.
struct ProcessEnded {
    ProcessKey key = 0;
    ProcessEnd end = ProcessEnd::exited;
    int exit_code = 0;
    int signal = 0; // 0: it exited
    bool core_dumped = false;
    int error_number = 0;
    std::string error{};

    std::chrono::milliseconds cpu{0};  // user and system, of the process and the descendants it waited for
    std::chrono::milliseconds wall{0}; // on the monotonic clock

    // The largest of the process and the descendants it waited for. The kernel also counts what the
    // supervisor had in memory when it started the process, so a few MiB are a floor, not a measurement.
    std::uint64_t max_rss_bytes = 0;

    std::uint64_t blocks_in = 0; // of 512 bytes
    std::uint64_t blocks_out = 0;

    std::vector<OutputChunk> output{}; // the tail of both streams, interleaved as it was read
    std::uint64_t output_bytes_dropped = 0;
};

using ProcessEvent =
    std::variant<ProcessStarted, ProcessOutput, ProcessMessage, ProcessInputTaken, ProcessEnded>;

} // namespace jobrunner
