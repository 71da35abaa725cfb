#include "config/read_sql.hpp"

namespace jobrunner {

SqlConfig read_sql(ConfigSection& section)
{
    SqlConfig sql;
    assign(sql.statement, section.text("sql", "one SQL statement"));
    section.problem(
        "sql", "this version of jobrunner cannot run SQL kinds yet; a kind with `command` was expected");
    return sql;
}

} // namespace jobrunner
