#include "cli/commands.hpp"
#include "cli/time_for_people.hpp"
#include "client/row_json.hpp"

#include <algorithm>

namespace jobrunner {
namespace {

std::string mean(std::int64_t total_ms, std::int64_t count)
{
    return count == 0 ? "" : rough_length(Milliseconds(total_ms / count));
}

std::optional<Milliseconds> over_last(Session& session, const std::optional<std::string>& since)
{
    if (!since) {
        return std::nullopt;
    }
    const auto from = read_instant_or_length(*since, "--since");
    if (const auto* length = std::get_if<Milliseconds>(&from)) {
        return *length;
    }
    const auto begin = to_time_point(std::get<Instant>(from));
    return std::max(Milliseconds{0}, session.now() - begin.value_or(session.now()));
}

int print_stats(Session& session, const std::optional<std::string>& since)
{
    Table table({{.title = "KIND", .may_shrink = true}, {.title = "DONE", .right = true},
        {.title = "FAILED", .right = true}, {.title = "DEAD", .right = true},
        {.title = "CANCEL", .right = true}, {.title = "SNOOZE", .right = true},
        {.title = "RELEASE", .right = true}, {.title = "CRASH", .right = true},
        {.title = "AVG RUN", .right = true}, {.title = "AVG WAIT", .right = true}});
    for (const auto& kind : session.storage().kind_stats(over_last(session, since))) {
        if (session.json()) {
            session.print(to_json(kind));
            continue;
        }
        table.add({kind.kind, std::to_string(kind.completed), std::to_string(kind.failed),
            std::to_string(kind.dead), std::to_string(kind.cancelled), std::to_string(kind.snoozed),
            std::to_string(kind.released), std::to_string(kind.crashed), mean(kind.run_ms, kind.completed),
            mean(kind.wait_ms, kind.completed)});
    }
    if (!session.json()) {
        session.print(table);
    }
    return exit_done;
}

} // namespace

void add_stats_command(CommandTree& tree)
{
    const auto since = std::make_shared<std::optional<std::string>>();
    auto& command =
        tree.add({.name = "stats",
                     .about = "Shows per kind what has been done, and how long it ran and waited.",
                     .examples = "jobrunner stats\njobrunner stats --since 1h",
                     .group = "Operation"},
            [since](Session& session) { return print_stats(session, *since); });
    add_text(command, "--since", *since, "Only since then: a time, or 10m for the last ten minutes", "TIME");
}

} // namespace jobrunner
