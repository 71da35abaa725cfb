#pragma once

#include "web/snapshot.hpp"

#include <string>

namespace jobrunner {

// The overview as one line of JSON: what is wrong, queues, workers, the last hour by minute and by kind.
[[nodiscard]] std::string overview_json(const Snapshot& snapshot);

} // namespace jobrunner
