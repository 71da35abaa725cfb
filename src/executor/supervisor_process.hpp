#pragma once

#include "executor/descriptor.hpp"

#include <sys/types.h>

#include <string>

namespace jobrunner {

// The argument, before the number of a descriptor, that makes a program a supervisor.
inline constexpr const char* supervisor_argument = "__supervise";

// A running supervisor, as its worker sees it.
//
// Threads: may be started by any thread, and lives on when that ends.
class SupervisorProcess {
public:
    // Returns once the supervisor has said hello. Throws Error if it does not, or cannot be started.
    explicit SupervisorProcess(const std::string& program);

    // As end().
    ~SupervisorProcess();

    SupervisorProcess(const SupervisorProcess&) = delete;
    SupervisorProcess& operator=(const SupervisorProcess&) = delete;

    [[nodiscard]] int socket() const { return socket_.get(); }

    // Closes the socket and waits until the supervisor has killed its children and exited. One that takes too
    // long is killed. Returns whether it exited by itself, in good order.
    bool end();

    // Kills it, which kills its children, but not what these have started. Waits until it is gone.
    void kill();

private:
    [[nodiscard]] bool says_hello() const;
    bool wait();

    Descriptor socket_;
    pid_t pid_ = -1; // -1: waited for
};

} // namespace jobrunner
