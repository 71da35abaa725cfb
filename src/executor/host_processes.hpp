#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace jobrunner {

// What /proc says of the processes of this host. All of it may be out of date when it is returned; a process that
// is gone, or that may not be looked into, gives nothing.

struct HostProcess {
    pid_t pid = 0;
    pid_t parent = 0;
    pid_t group = 0;
    bool is_dead = false; // but not yet waited for
};

[[nodiscard]] std::optional<HostProcess> find_host_process(pid_t pid);
[[nodiscard]] std::vector<HostProcess> all_host_processes();

// The children of the calling thread's process; requires that it has one thread only.
[[nodiscard]] std::vector<pid_t> own_children();

// Those among `processes` that are below `root`.
[[nodiscard]] std::vector<HostProcess> descendants_of(pid_t root, const std::vector<HostProcess>& processes);

// The environment that a process was started with: "NAME=value" entries, each with a NUL before it and after it. Cut
// at a megabyte.
[[nodiscard]] std::string environment_of(pid_t pid);

// The inodes of the pipes that a process holds.
[[nodiscard]] std::vector<std::uint64_t> pipes_of(pid_t pid);

} // namespace jobrunner
