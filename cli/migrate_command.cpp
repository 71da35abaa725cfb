#include "cli/commands.hpp"
#include "client/read_number.hpp"

namespace jobrunner {
namespace {

struct MigrateFlags {
    bool status = false;
    bool print_sql = false;
    std::optional<std::string> to;
};

JsonObject to_json(const MigrationStatus& migration)
{
    JsonObject object;
    return object.number("number", migration.number)
        .text("name", migration.name)
        .maybe_text("applied_at", migration.applied_at);
}

int print_status(Session& session)
{
    Table table({{.title = "NUMBER", .right = true}, {.title = "NAME"}, {.title = "APPLIED"}});
    for (const auto& migration : session.migrator().status()) {
        if (session.json()) {
            session.print(to_json(migration));
        } else {
            table.add({std::to_string(migration.number), migration.name,
                migration.applied_at ? session.time(migration.applied_at) : "pending"});
        }
    }
    if (!session.json()) {
        session.print(table);
    }
    return exit_done;
}

int apply(Session& session, std::optional<int> to)
{
    const auto applied = session.migrator().migrate(to);
    for (const auto& migration : applied) {
        if (session.json()) {
            session.print(to_json(migration));
        } else {
            session.out() << "applied " << migration.number << " " << migration.name << '\n';
        }
    }
    if (applied.empty() && !session.json()) {
        session.out() << "nothing to apply: the database is up to date\n";
    }
    return exit_done;
}

int migrate(Session& session, const MigrateFlags& flags)
{
    if (flags.status && (flags.to || flags.print_sql)) {
        throw Error(ErrorKind::usage, "--status: goes with neither --to nor --print-sql");
    }
    if (flags.status) {
        return print_status(session);
    }
    const auto to = flags.to ? std::optional(read_int(*flags.to, "--to", {1, 9'999})) : std::nullopt;
    if (flags.print_sql) {
        session.out() << session.migrator().pending_sql(to);
        return exit_done;
    }
    return apply(session, to);
}

} // namespace

void add_migrate_command(CommandTree& tree)
{
    const auto flags = std::make_shared<MigrateFlags>();
    auto& command = tree.add({.name = "migrate",
                                 .about = "Creates the tables, or brings them up to date.",
                                 .examples = "jobrunner migrate\njobrunner migrate --status\n"
                                             "jobrunner migrate --print-sql > jobrunner.sql",
                                 .group = "Setting up"},
        [flags](Session& session) { return migrate(session, *flags); });
    command.add_flag("--status", flags->status, "Say what is applied and what is pending");
    add_text(command, "--to", flags->to, "Apply no migration above this one", "N");
    command.add_flag("--print-sql", flags->print_sql, "Print the SQL of what is pending, and do nothing");
}

} // namespace jobrunner
