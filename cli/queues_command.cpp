#include "cli/commands.hpp"
#include "cli/time_for_people.hpp"
#include "client/check_job.hpp"
#include "client/read_number.hpp"
#include "client/row_json.hpp"

#include <algorithm>

namespace jobrunner {
namespace {

struct QueueFlags {
    std::string name;
    std::optional<std::string> slots;
    std::optional<std::string> weight;
};

int list_queues(Session& session)
{
    const auto queues = session.storage().queues();
    const bool some_set =
        std::ranges::any_of(queues, [](const QueueRow& queue) { return queue.slots || queue.weight; });
    std::vector<Column> columns{{.title = "QUEUE", .may_shrink = true}, {.title = "PAUSED"},
        {.title = "AVAIL", .right = true}, {.title = "SCHED", .right = true},
        {.title = "BLOCK", .right = true}, {.title = "RUN", .right = true}, {.title = "RETRY", .right = true},
        {.title = "DEAD", .right = true}, {.title = "OLDEST", .right = true},
        {.title = "DONE/M", .right = true}, {.title = "FAIL/M", .right = true}};
    if (some_set) {
        columns.push_back({.title = "SLOTS", .right = true});
        columns.push_back({.title = "WEIGHT", .right = true});
    }
    Table table(std::move(columns));
    for (const auto& queue : queues) {
        if (session.json()) {
            session.print(to_json(queue));
            continue;
        }
        std::vector<std::string> cells{queue.queue, queue.paused ? "yes" : "",
            std::to_string(queue.available), std::to_string(queue.scheduled), std::to_string(queue.blocked),
            std::to_string(queue.running), std::to_string(queue.retryable), std::to_string(queue.dead),
            queue.oldest_age ? rough_length(*queue.oldest_age) : "",
            std::to_string(queue.completed_per_minute), std::to_string(queue.failed_per_minute)};
        if (some_set) {
            cells.push_back(queue.slots ? std::to_string(*queue.slots) : "");
            cells.push_back(queue.weight ? std::to_string(*queue.weight) : "");
        }
        table.add(std::move(cells));
    }
    if (!session.json()) {
        session.print(table);
    }
    return exit_done;
}

int report(Session& session, const std::string& queue, const std::string& done)
{
    if (session.json()) {
        session.print(JsonObject().text("queue", queue).text("done", done));
    } else {
        Facts facts;
        facts.add(done, queue);
        facts.print(session.out());
    }
    return exit_done;
}

int pause_queue(Session& session, const QueueFlags& flags)
{
    check_name(flags.name, "NAME");
    session.storage().pause_queue(flags.name, session.host().actor);
    return report(session, flags.name, "paused");
}

int resume_queue(Session& session, const QueueFlags& flags)
{
    check_name(flags.name, "NAME");
    session.storage().resume_queue(flags.name, session.host().actor);
    return report(session, flags.name, "resumed");
}

int set_queue(Session& session, const QueueFlags& flags)
{
    check_name(flags.name, "NAME");
    if (!flags.slots && !flags.weight) {
        throw Error(ErrorKind::usage, "queues set: nothing is to be set; --slots or --weight was expected");
    }
    const auto number = [](const std::optional<std::string>& text, std::string_view flag, NumberRange range) {
        return text ? std::optional(read_int(*text, flag, range)) : std::nullopt;
    };
    session.storage().set_queue(flags.name, number(flags.slots, "--slots", {0, 10'000}),
        number(flags.weight, "--weight", {1, 1'000}), session.host().actor);
    return report(session, flags.name, "set");
}

} // namespace

void add_queues_command(CommandTree& tree)
{
    auto& queues = tree.add({.name = "queues",
                                .about = "Lists queues: what waits in them and how fast it goes.",
                                .examples = "jobrunner queues\njobrunner queues pause mail\n"
                                            "jobrunner queues set mail --slots 5 --weight 2",
                                .group = "Operation"},
        list_queues);
    const auto flags = std::make_shared<QueueFlags>();
    const auto add = [&](const CommandText& text, int (*run)(Session&, const QueueFlags&)) -> CLI::App& {
        auto& command =
            tree.add_below(queues, text, [flags, run](Session& session) { return run(session, *flags); });
        command.add_option("NAME", flags->name, "The queue")->required()->type_name("");
        return command;
    };
    add({.name = "pause",
            .about = "Lets the queue's jobs wait; those that run go on.",
            .examples = "jobrunner queues pause mail",
            .group = "Commands"},
        pause_queue);
    add({.name = "resume",
            .about = "Lets the queue's jobs run again.",
            .examples = "jobrunner queues resume mail",
            .group = "Commands"},
        resume_queue);
    auto& set = add({.name = "set",
                        .about = "Sets a queue's slots and weight for every worker.",
                        .examples = "jobrunner queues set mail --slots 5",
                        .group = "Commands"},
        set_queue);
    add_text(set, "--slots", flags->slots, "Jobs of it that a worker runs at the same time", "N");
    add_text(set, "--weight", flags->weight, "Its share beside other queues", "N");
}

} // namespace jobrunner
