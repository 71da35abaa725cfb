#include "worker/worker_report.hpp"

#include "core/text.hpp"

#include <nlohmann/json.hpp>

namespace jobrunner {

std::string worker_report(const std::vector<HeldBack>& services)
{
    constexpr std::size_t error_bytes_max = 500;
    auto report = nlohmann::json::object();
    for (const auto& one : services) {
        report["held_back"].push_back({{"service", one.service}, {"kinds", one.kinds},
            {"failures", one.failures}, {"error", scrub_text(head_of(one.error, error_bytes_max))}});
    }
    return report.dump();
}

} // namespace jobrunner
