#include "core/limit_room.hpp"

#include <algorithm>

namespace jobrunner {

void LimitRoom::set_starts(const std::string& line, const LineStarts& starts)
{
    started_[line] = starts;
}

bool LimitRoom::is_full(const JobLimit& limit)
{
    return !fits(1, limit);
}

std::optional<std::string> LimitRoom::take(std::int64_t cost, const std::vector<JobLimit>& limits)
{
    for (const auto& limit : limits) {
        if (!fits(cost, limit)) {
            return limit.line;
        }
    }
    for (const auto& limit : limits) {
        if (limit.at_most) {
            running_[limit.line] += std::min(cost, *limit.at_most);
        }
        if (limit.starts) {
            const auto counted = std::min(cost, *limit.starts);
            started_[limit.line].cost += counted;
            fresh_[limit.line] += counted;
        }
    }
    return std::nullopt;
}

bool LimitRoom::fits(std::int64_t cost, const JobLimit& limit)
{
    if (limit.at_most &&
        (*limit.at_most == 0 || running_[limit.line] + std::min(cost, *limit.at_most) > *limit.at_most)) {
        return false;
    }
    if (!limit.starts) {
        return true;
    }
    const auto& started = started_[limit.line];
    if (started.cost + std::min(cost, *limit.starts) <= *limit.starts) {
        return true;
    }
    // What is started here leaves the period with its end.
    const auto wait = started.free_in.value_or(limit.period);
    again_ = again_ ? std::min(*again_, wait) : wait;
    return false;
}

} // namespace jobrunner
