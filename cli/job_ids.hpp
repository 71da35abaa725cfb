#pragma once

#include "core/token.hpp"

#include <string>
#include <vector>

namespace jobrunner {

// The ids in order, each once. Throws Error{usage} about the first that is none.
[[nodiscard]] std::vector<JobId> read_job_ids(const std::vector<std::string>& texts);

} // namespace jobrunner
