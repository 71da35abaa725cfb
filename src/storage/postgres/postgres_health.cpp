// What doctor and verify look at.

#include "storage/postgres/postgres_storage.hpp"
#include "storage/postgres/queries.hpp"
#include "storage/postgres/rows.hpp"

namespace jobrunner::postgres {

std::vector<Finding> PostgresStorage::findings()
{
    std::vector<Finding> findings;
    for (const auto& row : connection_.read(queries::list_findings)) {
        findings.push_back({text(row[0]), text(row[1]), text(row[2]), text(row[3])});
    }
    return findings;
}

std::vector<Violation> PostgresStorage::violations()
{
    std::vector<Violation> violations;
    for (const auto& row : connection_.read(queries::list_violations)) {
        violations.push_back({text(row[0]), maybe_number(row[1]), text(row[2])});
    }
    return violations;
}

} // namespace jobrunner::postgres
