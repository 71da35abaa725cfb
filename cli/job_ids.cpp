#include "cli/job_ids.hpp"

#include "client/read_number.hpp"

#include <set>

namespace jobrunner {

std::vector<JobId> read_job_ids(const std::vector<std::string>& texts)
{
    std::vector<JobId> ids;
    std::set<JobId> seen;
    for (const auto& text : texts) {
        const JobId id = read_job_id(text, "ID");
        if (seen.insert(id).second) {
            ids.push_back(id);
        }
    }
    return ids;
}

} // namespace jobrunner
