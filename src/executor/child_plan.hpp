#pragma once

#include "executor/supervisor_protocol.hpp"

#include <sys/resource.h>

#include <cstdint>
#include <string>
#include <vector>

namespace jobrunner {

// What a child does between its birth and its program, in this order.
enum class ChildStep : std::uint8_t {
    descriptors,
    group,
    priority,
    umask,
    user_groups,
    user_group,
    user,
    privileges,
    limits,
    directory,
    parent,
    program,
};

struct ResourceLimit {
    __rlimit_resource resource;
    rlimit value;
};

// Everything that a new child needs, laid out beforehand: the child shares the supervisor's memory until it has
// become its program, so it may neither allocate nor change anything but `failed_step` and `error_number`.
//
// Points into the StartCommand that it was made from, which must outlive it.
struct ChildPlan {
    // `present_open_files` is the limit that children have unless theirs says otherwise.
    ChildPlan(const StartCommand& command, const rlimit& present_open_files);

    const StartCommand& command;
    bool shares_descriptors = false; // with the supervisor; the child has to leave that table first
    pid_t supervisor = 0;
    std::vector<ResourceLimit> limits;
    std::vector<std::string> program_paths;
    std::vector<char*> argv;        // ends with a null pointer
    std::vector<char*> environment; // likewise

    ChildStep failed_step = ChildStep::program;
    int error_number = 0; // 0: the program runs
};

// The child's side, for clone(2): turns into the program of the ChildPlan at `plan`, or notes why not and exits.
//
// Requires: all signals are blocked and have their default actions; descriptors 0 to 3 are the child's.
int become_program(void* plan);

} // namespace jobrunner
