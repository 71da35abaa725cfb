#pragma once

#include "config/config.hpp"

#include <sys/types.h>

namespace jobrunner {

// Whether jobs may run as the user `effective`: throws Error{usage} that names a kind whose processes would be root's, unless
// [worker] allow_root or `allowed` says that this is meant. Kinds with a `user` of their own, and those without
// processes, may run under a root worker. No I/O.
void check_user(const Config& config, uid_t effective, bool allowed);

// The same for this process; JOBRUNNER_ALLOW_ROOT=1 in its environment allows it.
void check_user(const Config& config);

} // namespace jobrunner
