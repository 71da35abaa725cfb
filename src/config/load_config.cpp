#include "config/config.hpp"
#include "config/config_section.hpp"
#include "config/database_url.hpp"
#include "config/file_text.hpp"
#include "config/read_command.hpp"
#include "config/read_hook.hpp"
#include "config/read_kind.hpp"
#include "config/read_schedule.hpp"
#include "config/read_web.hpp"
#include "core/error.hpp"

#include <algorithm>

namespace jobrunner {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

toml::table parse(const std::string& text, const std::filesystem::path& file)
{
    try {
        return toml::parse(text, file.string());
    } catch (const toml::parse_error& error) {
        throw Error(ErrorKind::usage,
            file.string() + ":" + std::to_string(error.source().begin.line) + ": " +
                std::string(error.description()));
    }
}

void read_database(ConfigSection& root, Config& config, const std::filesystem::path& directory)
{
    const auto url = root.text("database", "a database URL");
    if (!url) {
        return;
    }
    try {
        check_database_url(*url);
        config.database = resolve_database_url(*url, directory);
    } catch (const Error& error) {
        root.problem("database", error.what());
    }
}

// A lower-case identifier that needs no quotes and leaves room for the names derived from it.
void read_schema(ConfigSection& root, Config& config)
{
    constexpr std::size_t schema_bytes_max = 48;
    constexpr std::string_view expected =
        "a name of 1 to 48 letters a-z, digits and _, starting with no digit and not with pg_,";
    auto schema = root.text("schema", expected);
    if (!schema) {
        return;
    }
    const bool plain = std::ranges::all_of(
        *schema, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
    if (!plain || schema->size() > schema_bytes_max || (schema->front() >= '0' && schema->front() <= '9') ||
        schema->starts_with("pg_")) {
        root.problem("schema", "is \"" + *schema + "\"; " + std::string(expected) + " was expected");
        return;
    }
    config.schema = std::move(*schema);
}

WorkerConfig read_worker(ConfigSection section, const WebConfig& web)
{
    WorkerConfig worker;
    assign(worker.slots, section.integer("slots", {1, 10'000}));
    assign(worker.shutdown_timeout, section.duration("shutdown_timeout", {seconds{0}, hours{24}}));
    assign(worker.lease, section.duration("lease", {seconds{1}, hours{1}}));
    assign(worker.name, section.name("name"));
    assign(worker.allow_root, section.flag("allow_root"));
    assign(worker.metrics, read_listen_address(section, "metrics", web));
    for (auto& label : section.texts("labels", "an array of names").value_or(std::vector<ConfigText>{})) {
        if (is_config_name(label.value)) {
            worker.labels.push_back(std::move(label.value));
        } else {
            section.problem(label, "is no label; " + std::string(config_name_expected) + " was expected");
        }
    }
    section.refuse_unknown();
    return worker;
}

LogConfig read_log(ConfigSection section)
{
    LogConfig log;
    assign(log.level, section.choice("level", {"trace", "debug", "info", "warn", "error", "off"}));
    assign(log.format, section.choice("format", {"text", "json"}));
    section.refuse_unknown();
    return log;
}

QueueConfig read_queue(const std::string& name, ConfigSection section)
{
    QueueConfig queue;
    if (!is_config_name(name)) {
        section.problem("", "is no name of a queue; " + std::string(config_name_expected) + " was expected");
    }
    assign(queue.slots, section.integer("slots", {0, 10'000}));
    assign(queue.weight, section.integer("weight", {1, 1'000}));
    section.refuse_unknown();
    return queue;
}

SecretConfig read_secret_source(ConfigSection section, const std::filesystem::path& directory)
{
    SecretConfig secret;
    if (const auto file = section.text("file", "the path of a file")) {
        secret.file = (directory / *file).lexically_normal().string();
    }
    assign(secret.environment, section.text("env", "the name of an environment variable"));
    if (section.has("file") == section.has("env")) {
        section.problem("", "has none or both of file and env; one of them was expected");
    }
    section.refuse_unknown();
    return secret;
}

void read_secrets(ConfigSection& root, Config& config, const std::filesystem::path& directory)
{
    if (auto secrets = root.section("secrets")) {
        for (auto& [name, source] : secrets->sections()) {
            if (!is_config_name(name) || name.find_first_of("{}") != std::string::npos) {
                source.problem("",
                    "is no name of a secret; " + std::string(config_name_expected) +
                        " without braces was expected");
            }
            config.secrets.emplace(name, read_secret_source(std::move(source), directory));
        }
    }
}

KindDefaults read_kinds(ConfigSection& root, Config& config, const std::filesystem::path& directory)
{
    auto section = root.section("defaults");
    auto defaults = section ? read_defaults(std::move(*section)) : KindDefaults{};
    defaults.secrets = config.secrets;
    Services services;
    if (auto tables = root.section("services")) {
        for (auto& [name, service] : tables->sections()) {
            auto place = service;
            const auto added = services.emplace(
                name, read_shared_service(name, std::move(service), defaults.grace, directory));
            check_secret_environment(place, added.first->second.process, defaults.secrets);
        }
    }
    auto kinds = root.section("kinds");
    if (!kinds) {
        return defaults;
    }
    for (auto& [name, kind] : kinds->sections()) {
        if (!is_config_name(name)) {
            kind.problem("", "is no name of a kind; " + std::string(config_name_expected) + " was expected");
        }
        config.kinds.push_back(read_kind(name, std::move(kind), defaults, directory, services));
    }
    std::ranges::sort(
        config.kinds, {}, [](const KindConfig& kind) -> const std::string& { return kind.policy.kind; });
    return defaults;
}

void read_hooks(
    ConfigSection& root, Config& config, const KindDefaults& defaults, const std::filesystem::path& directory)
{
    auto hooks = root.section("hooks");
    if (!hooks) {
        return;
    }
    for (auto& [name, hook] : hooks->sections()) {
        if (!is_config_name(name)) {
            hook.problem("", "is no name of a hook; " + std::string(config_name_expected) + " was expected");
        }
        config.hooks.push_back(read_hook(name, std::move(hook), defaults, directory, config));
    }
    std::ranges::sort(
        config.hooks, {}, [](const HookConfig& hook) -> const std::string& { return hook.call.policy.kind; });
}

void read_schedules(ConfigSection& root, Config& config)
{
    if (auto schedules = root.section("schedules")) {
        config.schedules.emplace();
        for (auto& [name, schedule] : schedules->sections()) {
            config.schedules->push_back(read_schedule(name, std::move(schedule)));
        }
    }
}

} // namespace

Config load_config(const std::filesystem::path& file)
{
    const auto [text, access] = read_file_text(file);
    const auto table = parse(text, file);
    // Whoever writes kinds chooses what is executed, whoever writes tokens has one.
    const bool needs_trust = table.contains("kinds") || table.contains("services") ||
        table.contains("hooks") || table.contains("web");
    const auto distrust = needs_trust ? reason_to_distrust(access) : std::nullopt;
    if (distrust) {
        throw Error(ErrorKind::usage, file.string() + ": " + *distrust);
    }

    const auto directory = std::filesystem::absolute(file).parent_path();
    ConfigProblems problems(file.string());
    ConfigSection root(table, "", problems);
    Config config;
    config.path = file.string();
    read_database(root, config, directory);
    read_schema(root, config);
    assign(config.pooled, root.flag("pooled"));
    if (auto web = root.section("web")) {
        config.web = read_web(std::move(*web), directory);
    }
    if (auto worker = root.section("worker")) {
        config.worker = read_worker(std::move(*worker), config.web);
    }
    if (auto log = root.section("log")) {
        config.log = read_log(std::move(*log));
    }
    if (auto queues = root.section("queues")) {
        for (auto& [name, queue] : queues->sections()) {
            config.queues.emplace(name, read_queue(name, std::move(queue)));
        }
    }
    read_secrets(root, config, directory);
    const auto defaults = read_kinds(root, config, directory);
    read_hooks(root, config, defaults, directory);
    read_schedules(root, config);
    root.refuse_unknown();
    problems.throw_if_any();
    return config;
}

} // namespace jobrunner
