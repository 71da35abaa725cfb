#pragma once

#include "config/config.hpp"
#include "config/config_section.hpp"

#include <string>

namespace jobrunner {

// One table of [schedules]. What is wrong with it is added to the section's problems.
[[nodiscard]] ScheduleConfig read_schedule(const std::string& name, ConfigSection section);

} // namespace jobrunner
