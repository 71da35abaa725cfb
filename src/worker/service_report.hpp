#pragma once

#include "core/settlement.hpp"
#include "executor/process.hpp"

#include <optional>
#include <string>

namespace jobrunner {

// What a service's process did that makes it of no more use.
struct ServiceTrouble {
    std::string error_class;
    std::string what;
};

// Whether nobody made the process end.
[[nodiscard]] bool died_by_itself(const ProcessEnded& end);
// "it exited with 3", "it was killed by SIGSEGV", or why it never ran.
[[nodiscard]] std::string death_of(const ProcessEnded& end);
// The last line that it printed to standard error; empty: none.
[[nodiscard]] std::string last_words_of(const ProcessEnded& end);

// Of a job that was told to stop for `doom`: cancelled, released, or timed_out after `timeout`.
[[nodiscard]] RunReport doomed_report(RunEnd doom, Milliseconds timeout);

// Of a job whose service's process has ended, and which was not told to stop before. `trouble`: for which it was
// stopped, if it was.
[[nodiscard]] RunReport orphaned_report(
    const ProcessEnded& end, const std::optional<ServiceTrouble>& trouble);

} // namespace jobrunner
