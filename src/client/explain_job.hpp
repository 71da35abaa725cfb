#pragma once

#include "storage/storage.hpp"

#include <optional>
#include <string>
#include <vector>

namespace jobrunner {

// One thing that stands between a job and its run, or the one that says why there is nothing to wait for.
struct WaitReason {
    std::string code; // for programs; docs/policies.md lists them
    std::string text; // for people: what it is, and what would change it
};

struct Explanation {
    std::vector<WaitReason> reasons;   // what decides first stands first; never empty
    std::optional<Instant> not_before; // set where time alone decides
};

// Why a job has not run, and when it may. `facts` is nothing, and `parents` is empty, where the storage has none.
[[nodiscard]] Explanation explain_job(
    const JobRow& job, const std::optional<WaitFacts>& facts, const std::vector<ParentRow>& parents);

} // namespace jobrunner
