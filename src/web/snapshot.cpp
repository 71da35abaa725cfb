#include "web/snapshot.hpp"

namespace jobrunner {

Snapshot read_snapshot(Storage& storage, StatsCounters& counters, FindingsWatch& watch)
{
    constexpr int dead_groups_max = 20;
    Snapshot snapshot;
    snapshot.queues = storage.queues();
    snapshot.workers = storage.workers();
    snapshot.minutes = storage.minute_stats(snapshot_minutes, std::chrono::minutes{1});
    snapshot.dead = storage.dead_groups(dead_groups_max);
    snapshot.schedules = storage.schedules();
    counters.add(snapshot.minutes);
    snapshot.totals = counters.totals();
    snapshot.findings = watch.look(storage);
    return snapshot;
}

} // namespace jobrunner
