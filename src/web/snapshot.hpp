#pragma once

#include "client/time_text.hpp"
#include "storage/storage.hpp"
#include "web/findings_watch.hpp"
#include "web/stats_counters.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace jobrunner {

// What the page's overview and the metrics stand on, read at one go every few seconds, however many are looking.
struct Snapshot {
    std::uint64_t version = 0; // grows with each reading
    TimePoint taken_at;        // by this host's clock
    std::optional<std::string>
        error; // why the database could not be read; the lists are those of the last time
    std::vector<QueueRow> queues;
    std::vector<WorkerRow> workers;
    std::vector<MinuteStatsRow> minutes; // of the last hour
    std::vector<DeadGroup> dead;         // the largest
    std::vector<ScheduleRow> schedules;
    StatsTotals totals;            // since this server was started
    std::vector<Finding> findings; // of the last few minutes
};

inline constexpr std::chrono::minutes snapshot_minutes{60};

// Reads everything but version and time. Throws Error.
[[nodiscard]] Snapshot read_snapshot(Storage& storage, StatsCounters& counters, FindingsWatch& watch);

} // namespace jobrunner
