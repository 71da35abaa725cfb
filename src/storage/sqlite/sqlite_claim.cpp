// Looking for jobs and taking them.

#include "storage/sqlite/queries.hpp"
#include "storage/sqlite/rows.hpp"
#include "storage/sqlite/sqlite_storage.hpp"

#include <algorithm>
#include <cassert>
#include <tuple>

namespace jobrunner::sqlite {
namespace {

enum ProbeStatement : std::size_t { walk_lanes, list_settings, look_for_upkeep };
enum ClaimStatement : std::size_t { take_jobs, insert_claim };

// Lanes have no positions here; any that lies above every floor's start will do.
constexpr std::int64_t no_position = 1;
constexpr std::size_t lanes_found_max = 1000;

// Ranges that begin where the one before ends are one: they were cut at known lanes for the sake of their floors.
std::vector<LaneRange> without_cuts(const std::vector<LaneRange>& ranges)
{
    std::vector<LaneRange> whole;
    for (const auto& range : ranges) {
        if (!whole.empty() && whole.back().high == range.low) {
            whole.back().high = range.high;
        } else {
            whole.push_back(range);
        }
    }
    return whole;
}

void note_lane(Probe& probe, const Statement& row)
{
    const auto due = row.maybe_number(3);
    if (row.truth(2) && probe.lanes.size() < lanes_found_max) {
        probe.lanes.push_back({{row.text(0), row.integer(1)}, no_position, no_position});
    }
    if (due && (!probe.next_due || due < probe.next_due->count())) {
        probe.next_due = Milliseconds(*due);
    }
}

// In claim order, which RETURNING does not keep.
struct TakenJob {
    std::string run_at;
    ClaimedJob job;

    friend bool operator<(const TakenJob& a, const TakenJob& b)
    {
        return std::tie(a.run_at, a.job.token.job) < std::tie(b.run_at, b.job.token.job);
    }
};

} // namespace

Probe SqliteStorage::probe(const ProbeRequest& request)
{
    const std::string kinds = to_json(request.kinds);
    const std::string labels = to_json(request.labels);
    const bool beaten = request.beat && heartbeat(*request.beat);
    return connection_.read([&] {
        Probe probe;
        probe.beaten = beaten;
        probe.schedules = read_outlook();
        auto& walk = connection_.statement(queries::probe_lanes, walk_lanes);
        for (const auto& range : without_cuts(request.ranges)) {
            walk.each([&](const Statement& row) { note_lane(probe, row); }, range.low.queue,
                range.low.priority, range.high.queue, range.high.priority, request.fitting_only, kinds,
                labels);
        }
        connection_.statement(queries::probe_lanes, list_settings).each([&](const Statement& row) {
            if (row.truth(1)) {
                probe.paused.push_back(row.text(0));
            }
            if (!row.is_null(2) || !row.is_null(3)) {
                probe.settings.push_back({row.text(0), row.maybe_integer(2), row.maybe_integer(3)});
            }
        });
        connection_.statement(queries::probe_lanes, look_for_upkeep).each([&](const Statement& row) {
            probe.lost_workers = row.truth(0);
            probe.expired_jobs = row.truth(1);
            probe.gates = row.truth(2);
            probe.limits = row.truth(3);
            probe.held = row.truth(4);
        });
        return probe;
    });
}

std::vector<ClaimedJob> SqliteStorage::claim(const ClaimRequest& request)
{
    assert(request.limit >= 1 && request.limit <= claim_batch_max);
    return connection_.write([&] {
        std::vector<ClaimedJob> jobs;
        for (const auto& lane : request.lanes) {
            claim_lane(request, lane, jobs);
        }
        note_claim(request.worker, request.batch, jobs);
        return jobs;
    });
}

void SqliteStorage::note_claim(WorkerId worker, std::int64_t batch, const std::vector<ClaimedJob>& jobs)
{
    if (jobs.empty()) {
        return;
    }
    std::vector<std::int64_t> ids;
    for (const auto& job : jobs) {
        ids.push_back(job.token.job);
    }
    connection_.statement(queries::claim_jobs, insert_claim).run(worker, batch, to_json(ids));
}

std::vector<ClaimedJob> SqliteStorage::claim_admitted(
    const LimitedRequest& request, const std::vector<std::int64_t>& ids)
{
    std::vector<ClaimedJob> jobs;
    if (!ids.empty()) {
        connection_.statement(queries::claim_jobs, take_jobs)
            .each([&](const Statement& row) { jobs.push_back(claimed_job(row, request.worker)); }, nullptr,
                nullptr, 0, request.worker, "[]", "[]", to_json(ids));
        note_claim(request.worker, request.batch, jobs);
    }
    return jobs;
}

void SqliteStorage::claim_lane(
    const ClaimRequest& request, const LaneClaim& lane, std::vector<ClaimedJob>& jobs)
{
    const int room = std::min(lane.limit, request.limit - static_cast<int>(jobs.size()));
    if (room <= 0) {
        return;
    }
    std::vector<TakenJob> taken;
    connection_.statement(queries::claim_jobs, take_jobs)
        .each(
            [&](const Statement& row) {
                taken.push_back({row.text(13), claimed_job(row, request.worker)});
            },
            lane.lane.queue, lane.lane.priority, room, request.worker, to_json(request.kinds),
            to_json(request.labels), nullptr);
    std::sort(taken.begin(), taken.end());
    for (auto& one : taken) {
        jobs.push_back(std::move(one.job));
    }
}

std::vector<ClaimedJob> SqliteStorage::claimed_in(WorkerId worker, std::int64_t batch)
{
    return connection_.read([&] {
        std::vector<ClaimedJob> jobs;
        connection_.statement(queries::claimed_in)
            .each([&](const Statement& row) { jobs.push_back(claimed_job(row, worker)); }, worker, batch);
        return jobs;
    });
}

} // namespace jobrunner::sqlite
