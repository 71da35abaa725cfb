#pragma once

#include "config/config.hpp"
#include "config/config_section.hpp"

#include <filesystem>

namespace jobrunner {

// Reads the table `http` of a kind. Paths are resolved against `directory`; secrets must be among `secrets`.
[[nodiscard]] HttpConfig read_http(ConfigSection& section, const std::map<std::string, SecretConfig>& secrets,
    const std::filesystem::path& directory);

} // namespace jobrunner
