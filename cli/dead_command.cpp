#include "cli/commands.hpp"
#include "cli/time_for_people.hpp"
#include "client/read_number.hpp"
#include "client/row_json.hpp"

namespace jobrunner {
namespace {

struct DeadFlags {
    std::optional<std::string> kind;
    std::optional<std::string> limit;
};

std::vector<DeadGroup> groups_of(Session& session, const DeadFlags& flags)
{
    constexpr int groups_max = 10'000;
    const auto limit =
        static_cast<std::size_t>(read_int(flags.limit.value_or("50"), "--limit", {1, groups_max}));
    auto groups = session.storage().dead_groups(flags.kind ? groups_max : static_cast<int>(limit));
    std::erase_if(groups, [&](const DeadGroup& group) { return flags.kind && group.kind != *flags.kind; });
    groups.resize(std::min(groups.size(), limit));
    return groups;
}

int list_dead(Session& session, const DeadFlags& flags)
{
    Table table({{.title = "JOBS", .right = true}, {.title = "KIND", .may_shrink = true},
        {.title = "NEWEST", .right = true}, {.title = "DIED"}, {.title = "ERROR", .may_shrink = true}});
    for (const auto& group : groups_of(session, flags)) {
        if (session.json()) {
            session.print(to_json(group));
        } else {
            table.add({std::to_string(group.jobs), group.kind, std::to_string(group.newest),
                short_time(session.now(), group.newest_at), group.error});
        }
    }
    if (!session.json()) {
        session.print(table);
    }
    return exit_done;
}

} // namespace

void add_dead_command(CommandTree& tree)
{
    const auto flags = std::make_shared<DeadFlags>();
    auto& command = tree.add({.name = "dead",
                                 .about = "Lists dead jobs by what killed them, the most frequent first.",
                                 .examples = "jobrunner dead\njobrunner dead --kind mail.send\n"
                                             "jobrunner retry --state dead --kind mail.send",
                                 .group = "Operation"},
        [flags](Session& session) { return list_dead(session, *flags); });
    add_text(command, "--kind", flags->kind, "Only jobs of this kind", "KIND");
    add_text(command, "--limit", flags->limit, "At most so many groups (default: 50)", "N");
}

} // namespace jobrunner
