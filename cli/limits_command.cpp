#include "cli/commands.hpp"
#include "cli/time_for_people.hpp"
#include "client/check_job.hpp"
#include "client/read_limit.hpp"
#include "client/read_number.hpp"
#include "client/row_json.hpp"
#include "core/duration.hpp"

namespace jobrunner {
namespace {

struct LimitFlags {
    std::string scope;
    std::string name;
    std::optional<std::string> at_most;
    std::optional<std::string> rate;
};

std::string use_of(std::int64_t used, const std::optional<int>& of)
{
    return of ? std::to_string(used) + " of " + std::to_string(*of) : "";
}

int list_limits(Session& session)
{
    Table table({{.title = "SCOPE"}, {.title = "NAME", .may_shrink = true},
        {.title = "RUNNING", .right = true}, {.title = "STARTED", .right = true},
        {.title = "WITHIN", .right = true}, {.title = "WAITING", .right = true}});
    for (const auto& row : session.storage().limits()) {
        if (session.json()) {
            session.print(to_json(row));
            continue;
        }
        const auto& limit = row.limit;
        table.add({std::string(to_string(limit.scope)), limit.name, use_of(row.running, limit.at_most),
            use_of(row.started, limit.starts), limit.period ? format_duration(*limit.period) : "",
            (row.waiting >= limit_waiting_max ? ">= " : "") + std::to_string(row.waiting)});
    }
    if (!session.json()) {
        session.print(table);
    }
    return exit_done;
}

int report(Session& session, const LimitFlags& flags, const std::string& done)
{
    if (session.json()) {
        session.print(JsonObject().text("scope", flags.scope).text("name", flags.name).text("done", done));
    } else {
        Facts facts;
        facts.add(done, flags.scope + " " + flags.name);
        facts.print(session.out());
    }
    return exit_done;
}

int set_limit(Session& session, const LimitFlags& flags)
{
    Limit limit{.scope = read_limit_scope(flags.scope, "SCOPE"), .name = flags.name};
    check_limit_name(limit, "NAME");
    if (!flags.at_most && !flags.rate) {
        throw Error(ErrorKind::usage, "limits set: nothing is limited; --at-most or --rate was expected");
    }
    if (flags.at_most) {
        limit.at_most = read_int(*flags.at_most, "--at-most", {0, limit_count_max});
    }
    if (flags.rate) {
        read_rate(*flags.rate, "--rate", limit);
    }
    session.storage().set_limit(limit, session.host().actor);
    return report(session, flags, "set");
}

int remove_limit(Session& session, const LimitFlags& flags)
{
    const auto scope = read_limit_scope(flags.scope, "SCOPE");
    if (!session.storage().remove_limit(scope, flags.name, session.host().actor)) {
        throw Error(ErrorKind::not_found, "limit of " + flags.scope + " \"" + flags.name + "\" is not found");
    }
    return report(session, flags, "removed");
}

} // namespace

void add_limits_command(CommandTree& tree)
{
    auto& limits =
        tree.add({.name = "limits",
                     .about = "Lists limits: how many jobs run at once or start within a period.",
                     .examples = "jobrunner limits\njobrunner limits set kind mail.send --at-most 3\n"
                                 "jobrunner limits set key 'customer:*' --at-most 1 --rate 100/1m\n"
                                 "jobrunner limits remove kind mail.send",
                     .group = "Operation"},
            list_limits);
    const auto flags = std::make_shared<LimitFlags>();
    const auto add = [&](const CommandText& text, int (*run)(Session&, const LimitFlags&)) -> CLI::App& {
        auto& command =
            tree.add_below(limits, text, [flags, run](Session& session) { return run(session, *flags); });
        command.add_option("SCOPE", flags->scope, "queue, kind or key: what it is a limit of")
            ->required()
            ->type_name("");
        command
            .add_option("NAME", flags->name,
                "The queue, the kind or the concurrency key; of a key, 'customer:*' stands for all that "
                "begin so, each by "
                "itself")
            ->required()
            ->type_name("");
        return command;
    };
    auto& set = add({.name = "set",
                        .about = "Sets a limit for every worker, in place of the one before.",
                        .examples = "jobrunner limits set queue reports --at-most 2\n"
                                    "jobrunner limits set kind webhook.deliver --rate 100/1s",
                        .group = "Commands"},
        set_limit);
    add_text(set, "--at-most", flags->at_most, "Jobs that run at the same time, by their cost", "N");
    add_text(set, "--rate", flags->rate, "Jobs that start within any such length of time, by their cost",
        "N/LENGTH");
    add({.name = "remove",
            .about = "Removes a limit; the jobs that it held back may run.",
            .examples = "jobrunner limits remove queue reports",
            .group = "Commands"},
        remove_limit);
}

} // namespace jobrunner
