#pragma once

#include "cli/filter_flags.hpp"
#include "client/job_actions.hpp"

#include <string>
#include <vector>

namespace jobrunner {

// The jobs that an action is for, and whether it is only to be tried.
struct SelectionFlags {
    std::vector<std::string> ids;
    FilterFlags filter;
    bool all = false;
    bool dry_run = false;
};

void add_selection_flags(CLI::App& command, SelectionFlags& flags, const FilterNames& names = {});

// Throws Error{usage} unless there are either ids, or filters or --all.
[[nodiscard]] JobSelection to_selection(const SelectionFlags& flags, TimePoint now);

// Acts on the jobs, or says what would be done, and prints what became of them. Returns the exit status.
//
// With ids each one that cannot be done counts: not possible before not found. With filters jobs come and go
// meanwhile, so that only a run in which nothing could be done to the jobs found is not possible.
[[nodiscard]] int run_action(Session& session, const JobCommand& command, const SelectionFlags& flags);

} // namespace jobrunner
