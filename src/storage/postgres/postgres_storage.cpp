// Opening, enqueuing, and a worker's identity, claims and live data.

#include "storage/postgres/postgres_storage.hpp"

#include "core/version.hpp"
#include "storage/postgres/job_json.hpp"
#include "storage/postgres/queries.hpp"
#include "storage/postgres/rows.hpp"

#include <nlohmann/json.hpp>

#include <cassert>

namespace jobrunner::postgres {
namespace {

std::optional<std::string_view> conflict_word(OnConflict on_conflict)
{
    switch (on_conflict) {
    case OnConflict::refuse:
        return std::nullopt;
    case OnConflict::skip:
        return "skip";
    case OnConflict::replace:
        return "replace";
    case OnConflict::merge:
        return "merge";
    }
    return std::nullopt;
}

std::string_view state_word(WorkerState state)
{
    switch (state) {
    case WorkerState::running:
        return "running";
    case WorkerState::quiet:
        return "quiet";
    case WorkerState::stopping:
        return "stopping";
    }
    return "running";
}

std::optional<std::int64_t> count_of(const std::optional<Milliseconds>& length)
{
    return length ? std::optional(length->count()) : std::nullopt;
}

// The range's members, one array each.
void add_heartbeat(Params& params, const std::optional<Heartbeat>& heartbeat)
{
    if (!heartbeat) {
        params.add_null().add_null().add_null().add_null();
        return;
    }
    params.add(heartbeat->worker)
        .add(state_word(heartbeat->state))
        .add(heartbeat->running)
        .add(heartbeat->report);
}

std::vector<QueueSetting> queue_settings(const std::optional<std::string>& json)
{
    std::vector<QueueSetting> settings;
    if (!json) {
        return settings;
    }
    const auto maybe = [](const nlohmann::json& value) {
        return value.is_null() ? std::nullopt : std::optional(value.get<int>());
    };
    for (const auto& one : nlohmann::json::parse(*json)) {
        settings.push_back(
            {one.at("queue").get<std::string>(), maybe(one.at("slots")), maybe(one.at("weight"))});
    }
    return settings;
}

Params range_params(const std::vector<LaneRange>& ranges)
{
    std::vector<std::string> low_queues;
    std::vector<std::string> high_queues;
    std::vector<std::int64_t> low_priorities;
    std::vector<std::int64_t> low_positions;
    std::vector<std::int64_t> high_priorities;
    for (const auto& range : ranges) {
        low_queues.push_back(range.low.queue);
        low_priorities.push_back(range.low.priority);
        low_positions.push_back(range.low_position);
        high_queues.push_back(range.high.queue);
        high_priorities.push_back(range.high.priority);
    }
    Params params;
    params.add(low_queues).add(low_priorities).add(low_positions).add(high_queues).add(high_priorities);
    return params;
}

Params lane_params(const std::vector<LaneClaim>& lanes)
{
    std::vector<std::string> queues;
    std::vector<std::int64_t> priorities;
    std::vector<std::int64_t> floors;
    std::vector<std::int64_t> limits;
    for (const auto& lane : lanes) {
        queues.push_back(lane.lane.queue);
        priorities.push_back(lane.lane.priority);
        floors.push_back(lane.floor);
        limits.push_back(lane.limit);
    }
    Params params;
    params.add(queues).add(priorities).add(floors).add(limits);
    return params;
}

// What the server says of a value that it cannot read names the value only: finds out whose it is.
[[noreturn]] void refuse_by_name(std::span<const NewJob> jobs, const Error& refusal)
{
    const std::string_view message = refusal.what();
    const auto name = [&](std::string_view field, const std::string& value) {
        if (message.find("\"" + value + "\"") != std::string_view::npos) {
            throw Error(ErrorKind::refused, std::string(field) + ": " + refusal.what());
        }
    };
    for (const auto& job : jobs) {
        name("run_at", job.run_at.value_or(""));
        name("expires_at", job.expires_at.value_or(""));
        name("priority", job.priority ? std::to_string(*job.priority) : "");
    }
    throw refusal;
}

} // namespace

PostgresStorage::PostgresStorage(const DatabaseOptions& options) : connection_(options)
{
    check_schema();
}

void PostgresStorage::check_schema()
{
    const auto applied = connection_.read(queries::list_migrations);
    if (applied.empty()) {
        throw Error(ErrorKind::outdated, "the database has no jobrunner schema; run: jobrunner migrate");
    }
    const std::string oldest = text(applied[applied.size() - 1][3]);
    if (is_older(version(), oldest)) {
        throw Error(ErrorKind::outdated,
            "this is jobrunner " + std::string(version()) + ", and the database's schema needs jobrunner " +
                oldest + " or later");
    }
}

std::vector<Enqueued> PostgresStorage::enqueue(std::span<const NewJob> jobs, OnConflict on_conflict)
{
    Params params;
    params.add(json_array(jobs, [](const NewJob& job) { return to_json(job); }))
        .add(conflict_word(on_conflict));
    std::vector<Enqueued> enqueued;
    try {
        for (const auto& row : connection_.write(queries::enqueue_jobs, params)) {
            enqueued.push_back({.id = number(row[0]), .existing = truth(row[1])});
        }
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::refused) {
            throw;
        }
        refuse_by_name(jobs, error);
    }
    return enqueued;
}

void PostgresStorage::register_worker(const WorkerRecord& worker)
{
    Params params;
    params.add(worker.id)
        .add(worker.lease.count())
        .add(worker.pid)
        .add(worker.slots)
        .add(worker.name)
        .add(worker.host);
    params.add(worker.version).add(worker.labels).add(worker.queues).add(worker.kinds);
    connection_.write(queries::register_worker, params);
}

void PostgresStorage::publish_kinds(std::span<const KindPolicy> kinds, const std::string& publisher)
{
    connection_.transact([&](Connection::Transaction& tx) {
        for (const auto& kind : kinds) {
            std::vector<std::int64_t> delays;
            for (const auto delay : retry_delays(kind.retry)) {
                delays.push_back(delay.count());
            }
            Params params;
            params.add(kind.kind).add(kind.max_attempts).add(delays).add(count_of(kind.timeout));
            params.add(count_of(kind.keep)).add(kind.snooze.count()).add(kind.notify);
            params.add(kind.record_every_attempt).add(publisher);
            params.add(kind.unique ? std::optional(to_json(*kind.unique)) : std::nullopt);
            tx.run(queries::publish_kind, params);
        }
    });
}

bool PostgresStorage::heartbeat(const Heartbeat& heartbeat)
{
    Params params;
    add_heartbeat(params, heartbeat);
    return truth(connection_.write(queries::heartbeat, params)[0][0]);
}

void PostgresStorage::retire_worker(WorkerId worker)
{
    connection_.write(queries::retire_worker, Params().add(worker));
}

Probe PostgresStorage::probe(const ProbeRequest& request)
{
    Params params = range_params(request.ranges);
    params.add(request.fitting_only).add(request.kinds).add(request.labels);
    add_heartbeat(params, request.beat);
    const auto rows = connection_.read(queries::probe_lanes, params);
    Probe probe;
    for (const auto& row : rows) {
        if (!row[0].is_null()) {
            probe.lanes.push_back(
                {{text(row[0]), static_cast<int>(number(row[1]))}, number(row[2]), number(row[3])});
        }
        probe.next_due = maybe_length(row[4]);
        probe.lost_workers = truth(row[5]);
        probe.expired_jobs = truth(row[6]);
        probe.paused = parse_text_array(text(row[7]));
        probe.beaten = truth(row[8]);
        probe.schedules = {maybe_length(row[9]), truth(row[10])};
        probe.gates = truth(row[11]);
        probe.limits = truth(row[12]);
        probe.held = truth(row[13]);
        probe.settings = queue_settings(maybe_text(row[14]));
    }
    return probe;
}

std::vector<ClaimedJob> PostgresStorage::claim(const ClaimRequest& request)
{
    assert(request.limit >= 1 && request.limit <= claim_batch_max);
    Params params = lane_params(request.lanes);
    params.add(request.limit).add(request.worker).add(request.batch).add(request.kinds).add(request.labels);
    params.add(std::vector<std::int64_t>{});
    return claimed_jobs(connection_.write(queries::claim_jobs, params), request.worker);
}

std::vector<ClaimedJob> PostgresStorage::claimed_in(WorkerId worker, std::int64_t batch)
{
    return claimed_jobs(connection_.read(queries::claimed_in, Params().add(worker).add(batch)), worker);
}

std::vector<CancelRequest> PostgresStorage::cancel_requests(WorkerId worker)
{
    std::vector<CancelRequest> requests;
    for (const auto& row : connection_.read(queries::cancel_requests, Params().add(worker))) {
        requests.push_back({{number(row[0]), static_cast<std::int32_t>(number(row[1])), number(row[2])}});
    }
    return requests;
}

void PostgresStorage::write_output(std::span<const LiveOutput> output)
{
    const std::string json = json_array(output, [](const LiveOutput& one) { return to_json(one); });
    connection_.write(queries::write_output, Params().add(json));
}

void PostgresStorage::write_progress(std::span<const Progress> progress)
{
    // One by one: two words about one job cannot be merged by one statement.
    connection_.transact([&](Connection::Transaction& tx) {
        for (const auto& one : progress) {
            tx.run(queries::write_progress, Params().add("[" + to_json(one) + "]"));
        }
    });
}

} // namespace jobrunner::postgres
