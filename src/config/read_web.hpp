#pragma once

#include "config/config.hpp"
#include "config/config_section.hpp"

#include <filesystem>

namespace jobrunner {

// The table [web]. What is wrong with it is added to the section's problems; a relative database starts at `directory`.
[[nodiscard]] WebConfig read_web(ConfigSection section, const std::filesystem::path& directory);

} // namespace jobrunner
