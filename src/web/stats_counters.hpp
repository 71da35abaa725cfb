#pragma once

#include "storage/storage.hpp"

#include <map>
#include <span>
#include <string>
#include <utility>

namespace jobrunner {

using QueueAndKind = std::pair<std::string, std::string>;
// Settled work by queue and kind; the rows' own kinds are those of their keys.
using StatsTotals = std::map<QueueAndKind, KindStatsRow>;

// Makes counters that only grow out of the minutes of the statistics: each reading adds what the minutes have gained
// since the one before. What was there at the first reading counts as nothing, as after any start of a program.
//
// Exact as long as readings come more often than the minutes that they span. Not thread-safe.
class StatsCounters {
public:
    // All minutes of a while back from now.
    void add(std::span<const MinuteStatsRow> minutes);

    [[nodiscard]] const StatsTotals& totals() const { return totals_; }

private:
    using Minute = std::pair<std::string, QueueAndKind>;

    std::map<Minute, KindStatsRow> known_;
    StatsTotals totals_;
    bool begun_ = false;
};

} // namespace jobrunner
