#pragma once

#include "executor/process.hpp"

#include <optional>
#include <string>

namespace jobrunner {

// What is wrong with a specification so that it cannot be run, for people; it tells nothing of the arguments but their
// numbers. None if nothing is.
[[nodiscard]] std::optional<std::string> find_problem(const ProcessSpec& spec);

// Brings durations and sizes within what clocks and memory can take.
void limit_values(ProcessSpec& spec);

// Longer than anything runs, and far from where a clock overflows.
inline constexpr std::chrono::milliseconds process_duration_max = std::chrono::hours(24 * 3650);

} // namespace jobrunner
