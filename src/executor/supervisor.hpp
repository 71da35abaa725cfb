#pragma once

#include <optional>

namespace jobrunner {

// The supervisor: a small single-threaded process that is the parent of all processes of one
// ProcessExecutor. It ends them when their time is over, when the worker's lease passes, and at once when
// the worker is gone. The executor starts it from the program that it runs in (or from
// ProcessExecutorOptions::supervisor_path), so main() of such a program must begin with:
//
//     if (const auto descriptor = jobrunner::supervisor_descriptor(argc, argv))
//         return jobrunner::run_supervisor(*descriptor);

// The socket to serve, if these are the arguments of a supervisor.
[[nodiscard]] std::optional<int> supervisor_descriptor(int argc, const char* const* argv);

// Serves the executor at the other end of the socket until that is gone and all children are dead. Returns
// the exit status. Takes over the whole process: signals, descriptors, limits.
//
// Requires: no other thread.
[[nodiscard]] int run_supervisor(int descriptor);

} // namespace jobrunner
