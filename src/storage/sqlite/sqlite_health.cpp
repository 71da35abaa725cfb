// What doctor and verify look at.

#include "storage/sqlite/queries.hpp"
#include "storage/sqlite/sqlite_storage.hpp"

namespace jobrunner::sqlite {
namespace {

enum FindingStatement : std::size_t { look_at_rows, check_file };

} // namespace

std::vector<Finding> SqliteStorage::findings()
{
    return connection_.read([&] {
        std::vector<Finding> findings;
        for (const auto nth : {check_file, look_at_rows}) {
            connection_.statement(queries::list_findings, nth).each([&](const Statement& row) {
                findings.push_back({row.text(0), row.text(1), row.text(2), row.text(3)});
            });
        }
        return findings;
    });
}

std::vector<Violation> SqliteStorage::violations()
{
    return connection_.read([&] {
        std::vector<Violation> violations;
        connection_.statement(queries::list_violations).each([&](const Statement& row) {
            violations.push_back({row.text(0), row.maybe_number(1), row.text(2)});
        });
        return violations;
    });
}

} // namespace jobrunner::sqlite
