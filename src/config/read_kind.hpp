#pragma once

#include "config/config.hpp"
#include "config/config_section.hpp"
#include "config/read_service.hpp"

#include <filesystem>

namespace jobrunner {

// What [defaults] says for every kind that does not say otherwise, and the secrets that kinds may refer to.
struct KindDefaults {
    KindPolicy policy;
    Milliseconds grace{10'000};
    std::map<std::string, SecretConfig> secrets{};
};

// Reads [defaults].
[[nodiscard]] KindDefaults read_defaults(ConfigSection section);

// Reads one table of [kinds]. Paths are resolved against `directory`, which is absolute.
[[nodiscard]] KindConfig read_kind(const std::string& name, ConfigSection section,
    const KindDefaults& defaults, const std::filesystem::path& directory, const Services& services);

} // namespace jobrunner
