#pragma once

#include "config/config.hpp"
#include "config/config_section.hpp"

#include <filesystem>

namespace jobrunner {

// Reads the keys of a kind that say how its process is run, all but `command` itself.
[[nodiscard]] CommandConfig read_process(
    ConfigSection& section, Milliseconds default_grace, const std::filesystem::path& directory);

// Adds a problem for each variable whose secret is not declared.
// `profile` of a command.
[[nodiscard]] std::optional<ProfileConfig> read_profile(
    ConfigSection& section, const std::filesystem::path& directory);

void check_secret_environment(
    ConfigSection& section, const CommandConfig& command, const std::map<std::string, SecretConfig>& secrets);

// Reads the program and its arguments from `key`. Empty where it is wrong, which is then among the problems.
[[nodiscard]] std::vector<ArgsTemplate> read_command(
    ConfigSection& section, const std::filesystem::path& directory, std::string_view key = "command");

} // namespace jobrunner
