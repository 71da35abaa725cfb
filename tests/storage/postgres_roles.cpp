#include "storage/postgres_roles.hpp"

#include "storage/program_output.hpp"

#include <stdexcept>

namespace jobrunner::tests {

PostgresRoles::PostgresRoles(PostgresDatabase& database) : database_(database)
{
    const std::string name = fresh_name("role");
    names_ = {.enqueuer = name + "_enqueuer",
        .worker = name + "_worker",
        .operator_role = name + "_operator",
        .reader = name + "_reader"};
    open_migrator(database.options())->apply_roles(names_);
}

PostgresRoles::~PostgresRoles()
{
    try {
        database_.run_sql("RESET ROLE");
        for (const auto& role : {names_.enqueuer, names_.worker, names_.operator_role, names_.reader}) {
            database_.run_sql("DROP OWNED BY " + role + "; DROP ROLE " + role);
        }
    } catch (const std::exception&) {
        // The cluster goes away with the tests.
    }
}

DatabaseOptions PostgresRoles::options_as(const std::string& role) const
{
    DatabaseOptions options = database_.options();
    options.url += options.url.find('?') == std::string::npos ? "?" : "&";
    options.url += "options=-crole%3D" + role;
    return options;
}

void TemporaryCopy::run(const std::string& url, const std::string& role) const
{
    const TemporaryFile script((role.empty() ? "" : "SET ROLE " + role + ";\n") + "COPY " + schema_ +
        ".jobs " + columns_ + " FROM STDIN;\n" + lines_ + "\\.\n");
    const auto end = run_program("psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --dbname '" + url +
        "' --file '" + script.path() + "'");
    if (end.exit_code != 0) {
        throw std::runtime_error(end.output);
    }
}

} // namespace jobrunner::tests
