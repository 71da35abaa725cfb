#include "cli/commands.hpp"
#include "cli/time_for_people.hpp"
#include "client/read_number.hpp"
#include "client/row_json.hpp"

namespace jobrunner {
namespace {

struct BatchFlags {
    std::string id;
    std::string name;
    std::optional<std::string> limit;
    std::optional<std::string> on_success;
    std::optional<std::string> on_complete;
    std::optional<std::string> on_death;
    std::optional<std::string> parent;
    bool sealed = false;
};

std::int64_t finished(const BatchRow& batch)
{
    return batch.completed + batch.cancelled + batch.dead;
}

// "1200/5000"
std::string progress_of(const BatchRow& batch)
{
    return std::to_string(finished(batch)) + "/" + std::to_string(finished(batch) + batch.unfinished);
}

int list_batches(Session& session, const BatchFlags& flags)
{
    Table table({{.title = "ID", .right = true}, {.title = "NAME", .may_shrink = true}, {.title = "STATE"},
        {.title = "DONE", .right = true}, {.title = "DEAD", .right = true},
        {.title = "CANCELLED", .right = true}, {.title = "CREATED"}, {.title = "ETA"}});
    constexpr int listed_max = 10'000;
    const int limit = read_int(flags.limit.value_or("50"), "--limit", {1, listed_max});
    for (const auto& batch : session.storage().batches(std::nullopt, limit)) {
        if (session.json()) {
            session.print(to_json(batch));
            continue;
        }
        table.add({std::to_string(batch.id), batch.name, batch.state, progress_of(batch),
            std::to_string(batch.dead), std::to_string(batch.cancelled),
            short_time(session.now(), batch.created_at), short_time(session.now(), batch.eta)});
    }
    if (!session.json()) {
        session.print(table);
    }
    return exit_done;
}

BatchRow find_batch(Session& session, BatchId id)
{
    auto rows = session.storage().batches(id, 1);
    if (rows.empty()) {
        throw Error(ErrorKind::not_found, "batch " + std::to_string(id) + " is not found");
    }
    return std::move(rows.front());
}

int show_batch(Session& session, const BatchFlags& flags)
{
    const auto batch = find_batch(session, read_job_id(flags.id, "ID"));
    if (session.json()) {
        session.print(to_json(batch));
        return exit_done;
    }
    Facts facts;
    facts.add("batch", std::to_string(batch.id));
    facts.add("name", batch.name);
    facts.add("part of", batch.parent ? std::to_string(*batch.parent) : "");
    facts.add("state", batch.state);
    facts.add("done", progress_of(batch));
    facts.add("running", std::to_string(batch.running));
    facts.add("completed", std::to_string(batch.completed));
    facts.add("cancelled", std::to_string(batch.cancelled));
    facts.add("dead", std::to_string(batch.dead));
    facts.add("created", session.time(batch.created_at));
    facts.add("sealed", session.time(batch.sealed_at));
    facts.add("first death", session.time(batch.died_at));
    facts.add("finished", session.time(batch.finished_at));
    facts.add("succeeded", session.time(batch.succeeded_at));
    facts.add("expected end", session.time(batch.eta));
    facts.add("problem", batch.problem.value_or(""));
    facts.print(session.out());
    return exit_done;
}

int create_batch(Session& session, const BatchFlags& flags)
{
    NewBatch batch{.name = flags.name};
    batch.on_success = flags.on_success;
    batch.on_complete = flags.on_complete;
    batch.on_death = flags.on_death;
    batch.sealed = flags.sealed;
    if (flags.parent) {
        batch.parent = read_job_id(*flags.parent, "--parent");
    }
    const auto id = session.storage().create_batch(batch);
    if (session.json()) {
        session.print(JsonObject().number("id", id));
    } else {
        session.out() << id << '\n';
    }
    return exit_done;
}

int seal_batch(Session& session, const BatchFlags& flags)
{
    const auto id = read_job_id(flags.id, "ID");
    if (!session.storage().seal_batch(id)) {
        throw Error(ErrorKind::not_found, "batch " + std::to_string(id) + " is not found");
    }
    if (session.json()) {
        session.print(JsonObject().number("id", id).text("done", "sealed"));
    }
    return exit_done;
}

} // namespace

void add_batches_command(CommandTree& tree)
{
    const auto flags = std::make_shared<BatchFlags>();
    auto& batches =
        tree.add({.name = "batches",
                     .about = "Lists batches, shows, makes and seals one.",
                     .examples = "jobrunner batches\njobrunner batches show 7\n"
                                 "jobrunner batches create --on-complete '{\"kind\": \"month.closed\"}'\n"
                                 "jobrunner retry --batch 7 --state dead",
                     .group = "Operation"},
            [flags](Session& session) { return list_batches(session, *flags); });
    add_text(batches, "--limit", flags->limit, "At most so many (default: 50)", "N");
    const auto by_id = [&](const std::string& name, const std::string& about, auto run) {
        auto& command = tree.add_below(batches,
            {.name = name,
                .about = about,
                .examples = "jobrunner batches " + name + " 7",
                .group = "Commands"},
            [flags, run](Session& session) { return run(session, *flags); });
        command.add_option("ID", flags->id, "The batch")->required()->type_name("");
    };
    by_id("show", "Shows a batch: how far it is, and when it may end.", show_batch);
    by_id("seal", "Lets a batch finish as soon as its members have.", seal_batch);
    auto& create = tree.add_below(batches,
        {.name = "create",
            .about = "Makes a batch and prints its id, the batch_id of its members. Callbacks are jobs as "
                     "JSON objects.",
            .examples =
                "jobrunner batches create --name invoices --on-complete '{\"kind\": \"month.closed\"}'",
            .group = "Commands"},
        [flags](Session& session) { return create_batch(session, *flags); });
    create.add_option("--name", flags->name, "What people call it")->type_name("NAME");
    add_text(
        create, "--on-success", flags->on_success, "Job for when every member has completed", "JOB-JSON");
    add_text(
        create, "--on-complete", flags->on_complete, "Job for when every member has finished", "JOB-JSON");
    add_text(create, "--on-death", flags->on_death, "Job for when a member is dead", "JOB-JSON");
    add_text(create, "--parent", flags->parent, "Batch of which it is a part", "ID");
    create.add_flag("--sealed", flags->sealed, "It may finish as soon as its members have");
}

} // namespace jobrunner
