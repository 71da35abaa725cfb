#pragma once

#include "core/job.hpp"
#include "core/kind_policy.hpp"

#include <algorithm>
#include <optional>
#include <span>

namespace jobrunner {

// What an attempt may take: the job's own timeout before its kind's; nothing: unbounded.
[[nodiscard]] inline std::optional<Milliseconds> timeout_of(const ClaimedJob& job, const KindPolicy& policy)
{
    return job.timeout ? job.timeout : policy.timeout;
}

// What jobs that are run together may take: the shortest of theirs.
[[nodiscard]] inline std::optional<Milliseconds> timeout_of(
    std::span<const ClaimedJob> jobs, const KindPolicy& policy)
{
    std::optional<Milliseconds> shortest;
    for (const auto& job : jobs) {
        if (const auto timeout = timeout_of(job, policy)) {
            shortest = std::min(shortest.value_or(*timeout), *timeout);
        }
    }
    return shortest;
}

} // namespace jobrunner
