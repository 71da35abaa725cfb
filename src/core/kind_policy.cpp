#include "core/kind_policy.hpp"

#include <nlohmann/json.hpp>

namespace jobrunner {

std::string to_json(const UniquePolicy& policy)
{
    nlohmann::ordered_json json;
    json["args"] = policy.args;
    json["while"] = policy.only_queued ? "queued" : "unfinished";
    json["for_ms"] =
        policy.window ? nlohmann::ordered_json(policy.window->count()) : nlohmann::ordered_json(nullptr);
    return json.dump();
}

} // namespace jobrunner
