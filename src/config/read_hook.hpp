#pragma once

#include "config/config.hpp"
#include "config/read_kind.hpp"

#include <filesystem>
#include <string>

namespace jobrunner {

// A table of [hooks]. `config` has its kinds and secrets already.
[[nodiscard]] HookConfig read_hook(const std::string& name, ConfigSection section,
    const KindDefaults& defaults, const std::filesystem::path& directory, const Config& config);

} // namespace jobrunner
