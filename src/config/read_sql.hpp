#pragma once

#include "config/config.hpp"
#include "config/config_section.hpp"

namespace jobrunner {

// Reads the keys of a kind that say how its `sql` is run.
[[nodiscard]] SqlConfig read_sql(ConfigSection& section);

} // namespace jobrunner
