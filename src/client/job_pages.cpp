#include "client/job_pages.hpp"

#include <algorithm>

namespace jobrunner {

void for_each_page(Storage& storage, JobFilter filter, std::int64_t jobs_max, const PageSeen& page_seen)
{
    while (jobs_max > 0) {
        filter.limit = static_cast<int>(std::min<std::int64_t>(jobs_max, job_page_max));
        const auto page = storage.list(filter);
        if (!page.empty()) {
            page_seen(page);
            filter.below = page.back().id;
        }
        if (page.size() < static_cast<std::size_t>(filter.limit)) {
            return;
        }
        jobs_max -= static_cast<std::int64_t>(page.size());
    }
}

} // namespace jobrunner
