#pragma once

#include "config/config.hpp"
#include "config/config_section.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace jobrunner {

// The table [web]. What is wrong with it is added to the section's problems; a relative database starts at `directory`.
[[nodiscard]] WebConfig read_web(ConfigSection section, const std::filesystem::path& directory);

// An address and a port to serve at, which must be loopback unless `web` says who may come in; a mistake is added to the
// section's problems.
[[nodiscard]] std::optional<std::string> read_listen_address(
    ConfigSection& section, std::string_view key, const WebConfig& web);

} // namespace jobrunner
