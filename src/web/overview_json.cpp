#include "web/overview_json.hpp"

#include "client/row_json.hpp"
#include "web/json_list.hpp"
#include "web/problems.hpp"

#include <map>

namespace jobrunner {
namespace {

void add_counts_of(KindStatsRow& sum, const KindStatsRow& counts)
{
    sum.completed += counts.completed;
    sum.failed += counts.failed;
    sum.dead += counts.dead;
    sum.cancelled += counts.cancelled;
    sum.snoozed += counts.snoozed;
    sum.released += counts.released;
    sum.crashed += counts.crashed;
    sum.run_ms += counts.run_ms;
    sum.wait_ms += counts.wait_ms;
}

std::string minutes_json(const Snapshot& snapshot)
{
    std::map<Instant, KindStatsRow> minutes;
    for (const auto& row : snapshot.minutes) {
        add_counts_of(minutes[row.begin], row.counts);
    }
    JsonList list;
    for (const auto& [begin, sum] : minutes) {
        list.add(JsonObject()
                     .text("begin", begin)
                     .number("completed", sum.completed)
                     .number("failed", sum.failed + sum.dead + sum.crashed)
                     .number("run_ms", sum.run_ms)
                     .number("wait_ms", sum.wait_ms));
    }
    return list.str();
}

std::string kinds_json(const Snapshot& snapshot)
{
    std::map<std::string, KindStatsRow> kinds;
    for (const auto& row : snapshot.minutes) {
        auto& sum = kinds[row.counts.kind];
        sum.kind = row.counts.kind;
        add_counts_of(sum, row.counts);
    }
    JsonList list;
    for (const auto& [kind, sum] : kinds) {
        list.add(to_json(sum));
    }
    return list.str();
}

std::string problems_json(const Snapshot& snapshot)
{
    JsonList list;
    for (const auto& problem : find_problems(snapshot)) {
        list.add(JsonObject()
                     .text("severity", to_string(problem.severity))
                     .text("code", problem.code)
                     .text("subject", problem.subject)
                     .text("text", problem.text));
    }
    return list.str();
}

template <typename Rows>
std::string rows_json(const Rows& rows)
{
    JsonList list;
    for (const auto& row : rows) {
        list.add(to_json(row));
    }
    return list.str();
}

std::string workers_json(const Snapshot& snapshot)
{
    JsonList list;
    for (const auto& worker : snapshot.workers) {
        if (worker.state != "stopped" && worker.state != "gone") {
            list.add(to_json(worker, JsonIds::texts));
        }
    }
    return list.str();
}

} // namespace

std::string overview_json(const Snapshot& snapshot)
{
    JsonObject overview;
    overview.number("version", static_cast<std::int64_t>(snapshot.version))
        .text("taken_at", to_instant(snapshot.taken_at))
        .maybe_text("error", snapshot.error)
        .raw("problems", problems_json(snapshot))
        .raw("queues", rows_json(snapshot.queues))
        .raw("workers", workers_json(snapshot))
        .raw("minutes", minutes_json(snapshot))
        .raw("kinds", kinds_json(snapshot));
    return overview.str();
}

} // namespace jobrunner
