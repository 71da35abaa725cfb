#include "cli/commands.hpp"
#include "cli/terminal_text.hpp"
#include "cli/time_for_people.hpp"
#include "client/row_json.hpp"

#include <nlohmann/json.hpp>

namespace jobrunner {
namespace {

bool has_left(const WorkerRow& worker)
{
    return worker.state == "stopped" || worker.state == "gone";
}

// "mail-1 holds back mail.send: service mailer does not start (failures: 3): it exited with 7: no such file"
void print_troubles(Session& session, const WorkerRow& worker)
{
    const auto report = nlohmann::json::parse(worker.report, nullptr, false);
    if (!report.is_object() || !report.contains("held_back") || !report.at("held_back").is_array()) {
        return;
    }
    for (const auto& one : report.at("held_back")) {
        const std::string text = worker.name + " holds back " +
            joined(one.value("kinds", std::vector<std::string>())) + ": service " + one.value("service", "") +
            " does not start (failures: " + std::to_string(one.value("failures", 0)) +
            "): " + one.value("error", "");
        session.out() << shown(text) << '\n';
    }
}

int list_workers(Session& session, bool all)
{
    Table table({{.title = "NAME", .may_shrink = true}, {.title = "HOST", .may_shrink = true},
        {.title = "PID", .right = true}, {.title = "STATE"}, {.title = "RUNNING", .right = true},
        {.title = "HEARTBEAT"}, {.title = "QUEUES", .may_shrink = true},
        {.title = "LABELS", .may_shrink = true}, {.title = "VERSION"}, {.title = "ID", .right = true}});
    std::vector<WorkerRow> troubled;
    for (const auto& worker : session.storage().workers()) {
        if (has_left(worker) && !all) {
            continue;
        }
        if (session.json()) {
            session.print(to_json(worker));
            continue;
        }
        table.add({worker.name, worker.host, std::to_string(worker.pid), worker.state,
            std::to_string(worker.running) + "/" + std::to_string(worker.slots),
            relative_to(session.now(), worker.heartbeat_at),
            worker.queues.empty() ? "all" : joined(worker.queues), joined(worker.labels), worker.version,
            std::to_string(worker.id)});
        if (worker.report != "{}") {
            troubled.push_back(worker);
        }
    }
    if (!session.json()) {
        session.print(table);
        for (const auto& worker : troubled) {
            print_troubles(session, worker);
        }
    }
    return exit_done;
}

} // namespace

void add_workers_command(CommandTree& tree)
{
    const auto all = std::make_shared<bool>(false);
    auto& command =
        tree.add({.name = "workers",
                     .about = "Lists the workers: where they are, what they do, when they last spoke.",
                     .examples = "jobrunner workers\njobrunner workers --all",
                     .group = "Operation"},
            [all](Session& session) { return list_workers(session, *all); });
    command.add_flag("--all", *all, "Those too that have stopped or are gone");
}

} // namespace jobrunner
