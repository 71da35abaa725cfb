#pragma once

#include "config/config.hpp"
#include "config/config_section.hpp"

namespace jobrunner {

// Reads the keys of a kind that say how its `http` is run.
[[nodiscard]] HttpConfig read_http(ConfigSection& section);

} // namespace jobrunner
