#pragma once

#include "config/config.hpp"
#include "config/config_section.hpp"

namespace jobrunner {

// Reads the keys of a kind that say how its `service` is run.
[[nodiscard]] ServiceConfig read_service(ConfigSection& section);

} // namespace jobrunner
