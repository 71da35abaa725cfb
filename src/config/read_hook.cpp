#include "config/read_hook.hpp"

#include "config/near_name.hpp"
#include "config/read_command.hpp"
#include "config/read_http.hpp"

#include <algorithm>

namespace jobrunner {
namespace {

constexpr Milliseconds default_timeout{30'000};

std::string events_expected()
{
    std::string events;
    for (const auto event : hook_events) {
        events += (events.empty() ? "" : event == hook_events.back() ? " or " : ", ") + std::string(event);
    }
    return events;
}

void read_events(ConfigSection& section, HookConfig& hook)
{
    hook.on = {"completed", "dead", "cancelled"};
    const auto texts = section.texts("on", "an array of " + events_expected());
    if (!texts) {
        return;
    }
    hook.on.clear();
    for (const auto& text : *texts) {
        if (std::ranges::find(hook_events, text.value) == hook_events.end()) {
            section.problem(text, "is \"" + text.value + "\"; " + events_expected() + " was expected");
        }
        hook.on.insert(text.value);
    }
    if (hook.on.empty()) {
        section.problem("on", "is empty; " + events_expected() + " was expected");
    }
}

void read_hooked_kinds(ConfigSection& section, HookConfig& hook, const Config& config)
{
    for (const auto& text : section.texts("kinds", "names of kinds").value_or(std::vector<ConfigText>{})) {
        if (find_kind(config, text.value) == nullptr) {
            section.problem(text, "is \"" + text.value + "\"; a kind of [kinds] was expected");
        }
        hook.kinds.insert(text.value);
    }
}

} // namespace

HookConfig read_hook(const std::string& name, ConfigSection section, const KindDefaults& defaults,
    const std::filesystem::path& directory, const Config& config)
{
    HookConfig hook;
    hook.call.policy.kind = name;
    hook.call.policy.timeout = default_timeout;
    if (const auto timeout = section.duration("timeout", {Milliseconds{1}, std::chrono::hours{1}})) {
        hook.call.policy.timeout = *timeout;
    }
    read_events(section, hook);
    read_hooked_kinds(section, hook, config);
    if (section.has("command") == section.has("http")) {
        section.problem("", "has none or both of command and http; one of them was expected");
        return hook;
    }
    if (section.has("http")) {
        hook.call.runs = read_http(section, defaults.secrets, directory);
    } else {
        auto command = read_process(section, defaults.grace, directory);
        command.argv = read_command(section, directory);
        assign(command.allow_leading_dash, section.flag("allow_leading_dash"));
        check_secret_environment(section, command, defaults.secrets);
        hook.call.runs = std::move(command);
    }
    section.refuse_unknown();
    return hook;
}

} // namespace jobrunner
