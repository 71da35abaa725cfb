#include "config/config.hpp"
#include "core/error.hpp"

#include <algorithm>

namespace jobrunner {
namespace {

std::filesystem::path named_file(const std::string& source, const std::string& file)
{
    std::error_code ignored;
    if (!std::filesystem::exists(file, ignored)) {
        throw Error(ErrorKind::usage,
            source + ": \"" + file + "\" does not exist; a configuration file was expected");
    }
    return file;
}

} // namespace

std::optional<std::filesystem::path> find_config(const ConfigSources& sources)
{
    if (sources.flag) {
        return named_file("--config", *sources.flag);
    }
    if (sources.environment && !sources.environment->empty()) {
        return named_file("$JOBRUNNER_CONFIG", *sources.environment);
    }
    for (const auto& place : sources.places) {
        std::error_code ignored;
        if (std::filesystem::exists(place, ignored)) {
            return place;
        }
    }
    return std::nullopt;
}

const KindConfig* find_kind(const Config& config, std::string_view name)
{
    const auto found = std::ranges::lower_bound(
        config.kinds, name, {}, [](const KindConfig& kind) -> std::string_view { return kind.policy.kind; });
    return found != config.kinds.end() && found->policy.kind == name ? &*found : nullptr;
}

} // namespace jobrunner
