#pragma once

#include "config/config.hpp"
#include "config/config_section.hpp"

#include <filesystem>
#include <map>
#include <string>

namespace jobrunner {

using Services = std::map<std::string, ServiceConfig>;

// Reads one table of [services].
[[nodiscard]] ServiceConfig read_shared_service(const std::string& name, ConfigSection section,
    Milliseconds default_grace, const std::filesystem::path& directory);

// Reads the keys of a kind that is run by a `service`: the name of one of `services`, or a program with keys of its own.
[[nodiscard]] ServiceConfig read_service(const std::string& kind, ConfigSection& section,
    Milliseconds default_grace, const std::filesystem::path& directory, const Services& services);

} // namespace jobrunner
