#include "worker/limited_claims.hpp"

#include <algorithm>

namespace jobrunner {
namespace {

// Jobs of a lane that are looked at where those under limits come up. Elsewhere it is as many as could be claimed.
constexpr int look_at_many = 2000;
constexpr Milliseconds busy_pause{5};

} // namespace

bool LimitedClaims::learn(bool limits, bool held)
{
    const bool are_new = limits && !limits_;
    limits_ = limits;
    held_ = held;
    if (!held) {
        next_ = Clock::time_point::max();
    }
    return are_new;
}

bool LimitedClaims::wanted(bool has_lanes) const
{
    return held_ || (limits_ && has_lanes);
}

std::vector<ClaimedJob> LimitedClaims::claim(Storage& storage, ClaimRequest& request,
    std::vector<std::string> queues, std::map<std::string, int> queue_room)
{
    LimitedRequest limited{request};
    limited.queues = std::move(queues);
    limited.queue_room = std::move(queue_room);
    limited.look_at = meets_many_ ? std::max(look_at_many, request.limit) : request.limit;
    limited.after_line = last_line_;
    if (!limits_) {
        limited.lanes.clear();
    }
    auto claim = storage.claim_limited(limited);
    if (limits_) {
        request.lanes = std::move(claim.lanes);
    }
    moved_ = claim.moved > 0;
    meets_many_ = moved_;
    held_ = claim.has_lines || claim.busy || moved_;
    last_line_ = claim.last_line;
    const auto again = claim.busy ? std::optional(busy_pause) : claim.again;
    next_ = again ? Clock::now() + *again : Clock::time_point::max();
    return std::move(claim.jobs);
}

} // namespace jobrunner
