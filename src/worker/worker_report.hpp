#pragma once

#include "worker/job_runner.hpp"

#include <string>
#include <vector>

namespace jobrunner {

// What a worker's row says is wrong with it: {"held_back":[{"service":…,"kinds":[…],"failures":3,"error":…}]}, or {}.
// An error is cut at 500 bytes.
[[nodiscard]] std::string worker_report(const std::vector<HeldBack>& services);

} // namespace jobrunner
