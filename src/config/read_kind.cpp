#include "config/read_kind.hpp"

#include "config/read_command.hpp"
#include "config/read_http.hpp"
#include "config/read_service.hpp"
#include "config/read_sql.hpp"

#include <array>

namespace jobrunner {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr hours month{24 * 30};
constexpr Milliseconds shortest{1};

void read_backoff(ConfigSection section, RetryPolicy& retry)
{
    assign(retry.base, section.duration("base", {shortest, month}));
    assign(retry.factor, section.number("factor", {1.0, 100.0}));
    assign(retry.cap, section.duration("cap", {shortest, 12 * month}));
    assign(retry.jitter, section.number("jitter", {0.0, 1.0}));
    if (retry.base > retry.cap) {
        section.problem("base",
            "is " + format_duration(retry.base) + "; at most the cap of " + format_duration(retry.cap) +
                " was expected");
    }
    section.refuse_unknown();
}

void read_shared_policy(ConfigSection& section, KindPolicy& policy)
{
    assign(policy.max_attempts, section.integer("max_attempts", {1, 10'000}));
    if (auto backoff = section.section("backoff")) {
        read_backoff(std::move(*backoff), policy.retry);
    }
    assign(policy.timeout, section.duration_or("timeout", "none", {shortest, month}));
    assign(policy.keep, section.duration_or("keep_completed", "forever", {seconds{0}, hours{24 * 3650}}));
    assign(policy.snooze, section.duration("snooze", {seconds{1}, month}));
}

UniquePolicy read_unique(ConfigSection section)
{
    UniquePolicy unique;
    for (const auto& name :
        section.texts("args", "names of members of args").value_or(std::vector<ConfigText>{})) {
        unique.args.push_back(name.value);
    }
    if (const auto text = section.text("while", "\"unfinished\" or \"queued\"")) {
        if (*text != "unfinished" && *text != "queued") {
            section.problem("while", "is \"" + *text + "\"; \"unfinished\" or \"queued\" was expected");
        }
        unique.only_queued = *text == "queued";
    }
    unique.window = section.duration("for", {seconds{1}, hours{24 * 365}});
    section.refuse_unknown();
    return unique;
}

ChunkConfig read_chunk(ConfigSection section)
{
    ChunkConfig chunk;
    assign(chunk.max, section.integer("max", {1, 1'000}));
    assign(chunk.wait, section.duration("wait", {shortest, seconds{60}}));
    section.refuse_unknown();
    return chunk;
}

// A chunk has no job of its own that an argument could say something about.
void check_chunk(ConfigSection& section, const KindConfig& kind)
{
    if (std::holds_alternative<HttpConfig>(kind.runs)) {
        section.problem("chunk",
            "stands beside http, which sends one job at a time; a command, a service or sql was expected");
    }
    if (const auto* command = std::get_if<CommandConfig>(&kind.runs)) {
        if (command->profile) {
            section.problem(
                "profile", "stands beside chunk; a command that runs one job at a time was expected");
        }
        for (const auto& argument : command->argv) {
            if (!argument.is_literal()) {
                section.problem("command",
                    "has the placeholder " + argument.text() +
                        " beside chunk; a chunk's jobs come on standard input, and arguments without "
                        "placeholders were expected");
            }
        }
    }
}

// The one key of the table that says how the kind runs, or nothing if there are none or several.
std::optional<std::string_view> way_to_run(ConfigSection& section)
{
    constexpr std::array<std::string_view, 4> ways{"command", "service", "http", "sql"};
    std::optional<std::string_view> found;
    for (const auto way : ways) {
        if (!section.has(way)) {
            continue;
        }
        if (found) {
            section.problem(
                way, "stands beside " + std::string(*found) + "; one way to run the kind was expected");
            return std::nullopt;
        }
        found = way;
    }
    if (!found) {
        section.problem("", "says nothing to run; command = [\"program\", \"argument\"] was expected");
    }
    return found;
}

} // namespace

KindDefaults read_defaults(ConfigSection section)
{
    KindDefaults defaults;
    read_shared_policy(section, defaults.policy);
    assign(defaults.grace, section.duration("grace", {seconds{0}, hours{1}}));
    section.refuse_unknown();
    return defaults;
}

KindConfig read_kind(const std::string& name, ConfigSection section, const KindDefaults& defaults,
    const std::filesystem::path& directory, const Services& services)
{
    KindConfig kind{defaults.policy, {}, {}};
    kind.policy.kind = name;
    read_shared_policy(section, kind.policy);
    assign(kind.policy.max_give_backs, section.integer("max_give_backs", {0, 10'000}));
    assign(kind.policy.record_every_attempt, section.flag("record_every_attempt"));
    if (auto unique = section.section("unique")) {
        kind.policy.unique = read_unique(std::move(*unique));
    }
    assign(kind.policy.notify, section.flag("notify"));

    const auto way = way_to_run(section);
    if (!way) {
        return kind;
    }
    if (*way == "command") {
        auto command = read_process(section, defaults.grace, directory);
        command.argv = read_command(section, directory);
        command.profile = read_profile(section, directory);
        assign(command.allow_leading_dash, section.flag("allow_leading_dash"));
        check_secret_environment(section, command, defaults.secrets);
        kind.runs = std::move(command);
    } else if (*way == "service") {
        auto service = read_service(name, section, defaults.grace, directory, services);
        if (!service.is_shared) {
            check_secret_environment(section, service.process, defaults.secrets);
        }
        kind.runs = std::move(service);
    } else if (*way == "http") {
        kind.runs = read_http(section, defaults.secrets, directory);
    } else {
        kind.runs = read_sql(section);
    }
    if (auto chunk = section.section("chunk")) {
        kind.chunk = read_chunk(std::move(*chunk));
        check_chunk(section, kind);
    }
    section.refuse_unknown();
    return kind;
}

} // namespace jobrunner
