#include "web/stats_counters.hpp"

#include <algorithm>
#include <array>

namespace jobrunner {
namespace {

constexpr std::array counts{&KindStatsRow::completed, &KindStatsRow::failed, &KindStatsRow::dead,
    &KindStatsRow::cancelled, &KindStatsRow::snoozed, &KindStatsRow::released, &KindStatsRow::crashed,
    &KindStatsRow::run_ms, &KindStatsRow::wait_ms};

void add_gain(KindStatsRow& total, const KindStatsRow& before, const KindStatsRow& now)
{
    for (const auto count : counts) {
        // A count that shrinks was read from a replica that fell back, or from a database that was restored.
        total.*count += std::max<std::int64_t>(0, now.*count - before.*count);
    }
}

} // namespace

void StatsCounters::add(std::span<const MinuteStatsRow> minutes)
{
    std::map<Minute, KindStatsRow> seen;
    for (const auto& minute : minutes) {
        const QueueAndKind key{minute.queue, minute.counts.kind};
        auto& total = totals_[key];
        total.kind = minute.counts.kind;
        const auto before = known_.find({minute.begin, key});
        if (begun_) {
            add_gain(total, before == known_.end() ? KindStatsRow{} : before->second, minute.counts);
        }
        seen.emplace(Minute{minute.begin, key}, minute.counts);
    }
    known_ = std::move(seen);
    begun_ = true;
}

} // namespace jobrunner
