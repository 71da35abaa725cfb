#pragma once

#include "executor/child_plan.hpp"

#include <string>

namespace jobrunner {

// Why a child could not become its program, for people: the step or the program, and the reason.
//
// Requires: plan.error_number is set.
[[nodiscard]] std::string describe_failure(const ChildPlan& plan);

} // namespace jobrunner
