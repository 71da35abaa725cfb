#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <optional>

namespace jobrunner {

// A child that has exited and whose pid is still its own, so that its group can be signalled safely.
struct DeadChild {
    pid_t pid = 0;
    int exit_code = 0;
    int signal = 0; // 0: it exited
    bool core_dumped = false;
    rusage usage{};
};

// Any one child that has exited. Gives the same one again until bury() is called for it.
[[nodiscard]] std::optional<DeadChild> find_dead_child();

// Lets go of the pid.
void bury(const DeadChild& child);

} // namespace jobrunner
