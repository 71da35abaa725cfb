#include "config/read_service.hpp"

namespace jobrunner {

ServiceConfig read_service(ConfigSection& section)
{
    constexpr std::string_view expected = "an array of strings, first the program, then its arguments,";
    ServiceConfig service;
    const auto texts = section.texts("service", expected);
    if (texts && texts->empty()) {
        section.problem("service", "is empty; " + std::string(expected) + " was expected");
    }
    for (const auto& text : texts.value_or(std::vector<ConfigText>{})) {
        service.argv.push_back(text.value);
    }
    assign(service.instances, section.integer("instances", {1, 1'000}));
    section.problem("service",
        "this version of jobrunner cannot run services yet; a kind with `command` was expected");
    return service;
}

} // namespace jobrunner
