#pragma once

#include "cli/command_tree.hpp"
#include "client/time_text.hpp"
#include "storage/storage.hpp"

#include <optional>
#include <string>
#include <vector>

namespace jobrunner {

// The flags that say which jobs are meant.
struct FilterFlags {
    std::vector<std::string> states;
    std::optional<std::string> kind;
    std::optional<std::string> queue;
    std::optional<std::string> tag;
    std::optional<std::string> batch;
    std::optional<std::string> since;
};

// What the flags for queue and tag are called: a command that changes these has other names for them.
struct FilterNames {
    std::string queue = "--queue";
    std::string tag = "--tag";
    std::string batch = "--batch";
};

void add_filter_flags(CLI::App& command, FilterFlags& flags, const FilterNames& names = {});

// Whether any of them was given.
[[nodiscard]] bool is_set(const FilterFlags& flags);

// Throws Error{usage} that names the flag. Lengths of time go back from `now`.
[[nodiscard]] JobFilter to_filter(const FilterFlags& flags, TimePoint now);
[[nodiscard]] std::vector<JobState> to_states(const std::vector<std::string>& words);

} // namespace jobrunner
