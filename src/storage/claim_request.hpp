#pragma once

#include "core/job.hpp"
#include "core/lane_book.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace jobrunner {

struct ClaimRequest {
    WorkerId worker = 0;
    std::int64_t batch = 0;         // the worker's own number for this claim, never used twice
    std::vector<LaneClaim> lanes{}; // in the order in which they are to be emptied
    int limit = 0;                  // in all; in [1, claim_batch_max]
    std::vector<std::string> kinds{};
    std::vector<std::string> labels{};
};

inline constexpr int claim_batch_max = 1000;

} // namespace jobrunner
