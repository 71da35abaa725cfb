#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

namespace jobrunner {

// How to recognise what children of a lost supervisor have left behind.
struct LeftoverSigns {
    std::vector<pid_t> groups;
    std::vector<std::string> marks; // entries of the environment that no other process of the host has
};

// Kills all processes of this host that bear one of the signs until none is left, at most for `limit`. Returns whether
// none is left.
//
// When a supervisor is killed its children die with it, but not what these have started; that has become the
// child of some other process by then and can only be found by looking at all of them.
bool kill_leftovers(const LeftoverSigns& signs, std::chrono::milliseconds limit);

} // namespace jobrunner
