#include "config/read_service.hpp"

#include "config/read_command.hpp"

namespace jobrunner {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr int instances_most = 1'000;

void read_instances(ConfigSection& section, ServiceConfig& service)
{
    if (!section.is_table("instances")) {
        assign(service.instances_max, section.integer("instances", {1, instances_most}));
        return;
    }
    if (auto range = section.section("instances")) {
        assign(service.instances_min, range->integer("min", {0, instances_most}));
        service.instances_max = std::max(service.instances_min, 1);
        assign(service.instances_max, range->integer("max", {1, instances_most}));
        if (service.instances_min > service.instances_max) {
            range->problem("min",
                "is " + std::to_string(service.instances_min) + "; at most max, " +
                    std::to_string(service.instances_max) + ", was expected");
        }
        range->refuse_unknown();
    }
}

// A child has no job yet when it starts, so nothing can be filled in.
void refuse_placeholders(ConfigSection& section, std::string_view key, const ServiceConfig& service)
{
    for (const auto& argument : service.process.argv) {
        if (!argument.is_literal()) {
            section.problem(
                key, "has a placeholder; a service starts before its jobs, so plain text was expected");
            return;
        }
    }
}

ServiceConfig read_pool(ConfigSection& section, std::string_view argv_key, Milliseconds default_grace,
    const std::filesystem::path& directory)
{
    constexpr std::uint64_t mebibyte = 1ULL << 20;
    ServiceConfig service;
    service.process = read_process(section, default_grace, directory);
    service.process.argv = read_command(section, directory, argv_key);
    refuse_placeholders(section, argv_key, service);
    read_instances(section, service);
    assign(service.start_timeout, section.duration("start_timeout", {seconds{1}, hours{1}}));
    assign(service.idle_timeout, section.duration_or("idle_timeout", "never", {seconds{1}, hours{24 * 30}}));
    assign(service.recycle_after_jobs, section.integer("recycle_after_jobs", {1, 1'000'000'000}));
    assign(service.recycle_over_memory, section.byte_size("recycle_over_memory", {mebibyte, 1ULL << 50}));
    return service;
}

} // namespace

ServiceConfig read_shared_service(const std::string& name, ConfigSection section, Milliseconds default_grace,
    const std::filesystem::path& directory)
{
    auto service = read_pool(section, "command", default_grace, directory);
    if (!section.has("command")) {
        section.problem("", "says nothing to run; command = [\"program\", \"argument\"] was expected");
    }
    service.name = name;
    service.is_shared = true;
    section.refuse_unknown();
    return service;
}

ServiceConfig read_service(const std::string& kind, ConfigSection& section, Milliseconds default_grace,
    const std::filesystem::path& directory, const Services& services)
{
    if (!section.is_string("service")) {
        auto service = read_pool(section, "service", default_grace, directory);
        service.name = kind;
        return service;
    }
    const auto name = section.text("service", "the name of a table in [services]");
    const auto found = services.find(name.value_or(""));
    if (found != services.end()) {
        return found->second;
    }
    if (name) {
        section.problem("service",
            "is \"" + *name + "\"; the name of a table in [services], or an array of strings, was expected");
    }
    return {};
}

} // namespace jobrunner
