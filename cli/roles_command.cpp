#include "cli/commands.hpp"

namespace jobrunner {
namespace {

struct RolesFlags {
    bool apply = false;
    std::optional<std::string> enqueuer;
    std::optional<std::string> worker;
    std::optional<std::string> operator_role;
    std::optional<std::string> reader;
};

RoleNames names_of(const RolesFlags& flags, const std::string& schema)
{
    return {flags.enqueuer.value_or(schema + "_enqueuer"), flags.worker.value_or(schema + "_worker"),
        flags.operator_role.value_or(schema + "_operator"), flags.reader.value_or(schema + "_reader")};
}

int grant_roles(Session& session, const RolesFlags& flags)
{
    const auto names = names_of(flags, session.database().schema);
    const std::string sql = session.migrator().roles_sql(names);
    if (sql.empty()) {
        throw Error(ErrorKind::usage, "roles: this database has none; a PostgreSQL database was expected");
    }
    if (!flags.apply) {
        session.out() << sql;
        return exit_done;
    }
    session.migrator().apply_roles(names);
    if (session.json()) {
        session.print(JsonObject()
                          .text("enqueuer", names.enqueuer)
                          .text("worker", names.worker)
                          .text("operator", names.operator_role)
                          .text("reader", names.reader));
    } else {
        Facts facts;
        facts.add("enqueuer", names.enqueuer);
        facts.add("worker", names.worker);
        facts.add("operator", names.operator_role);
        facts.add("reader", names.reader);
        facts.print(session.out());
    }
    return exit_done;
}

} // namespace

void add_roles_command(CommandTree& tree)
{
    const auto flags = std::make_shared<RolesFlags>();
    auto& command =
        tree.add({.name = "roles",
                     .about = "Prints the statements that create PostgreSQL roles and grant what each needs.",
                     .examples = "jobrunner roles\njobrunner roles --apply --worker shop_worker",
                     .group = "Setting up"},
            [flags](Session& session) { return grant_roles(session, *flags); });
    command.add_flag("--apply", flags->apply, "Run them");
    add_text(
        command, "--enqueuer", flags->enqueuer, "Role of applications (default: SCHEMA_enqueuer)", "NAME");
    add_text(command, "--worker", flags->worker, "Role of workers (default: SCHEMA_worker)", "NAME");
    add_text(command, "--operator", flags->operator_role, "Role of people who act (default: SCHEMA_operator)",
        "NAME");
    add_text(command, "--reader", flags->reader, "Role of people who look (default: SCHEMA_reader)", "NAME");
}

} // namespace jobrunner
