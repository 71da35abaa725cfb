// Limits: jobs under them, and the limits themselves.

#include "storage/admit_limited.hpp"
#include "storage/postgres/postgres_storage.hpp"
#include "storage/postgres/queries.hpp"
#include "storage/postgres/rows.hpp"

#include <algorithm>
#include <cassert>

namespace jobrunner::postgres {
namespace {

JobLimit job_limit(std::string line, const pqxx::row& row, int first)
{
    return {.line = std::move(line),
        .at_most = maybe_number(row[first]),
        .starts = maybe_number(row[first + 1]),
        .period = maybe_length(row[first + 2]).value_or(Milliseconds{0})};
}

class PostgresLines final : public LimitLines {
public:
    PostgresLines(Connection::Transaction& tx, const LimitedRequest& request) : tx_(tx), request_(request) {}

    std::map<std::string, std::int64_t> running() override
    {
        std::map<std::string, std::int64_t> cost_by_line;
        for (const auto& row : tx_.run(queries::running_by_line)) {
            cost_by_line[text(row[0])] = number(row[1]);
        }
        return cost_by_line;
    }

    std::optional<std::string> line_after(const std::string& line) override
    {
        const auto rows = tx_.run(queries::line_after, Params().add(line));
        return rows.empty() ? std::nullopt : std::optional(text(rows[0][0]));
    }

    std::optional<LineLimit> limit_of(const std::string& line) override
    {
        const auto rows = tx_.run(queries::limit_of_line, Params().add(line));
        if (rows.empty()) {
            return std::nullopt;
        }
        return LineLimit{.limit = job_limit(line, rows[0], 2),
            .scope = parse_limit_scope(text(rows[0][0])).value_or(LimitScope::queue),
            .name = text(rows[0][1])};
    }

    std::vector<LineJob> jobs_of(const std::string& line, int limit) override
    {
        Params params;
        params.add(line).add(limit).add(request_.kinds).add(request_.labels).add(request_.queues);
        std::vector<LineJob> jobs;
        for (const auto& row : tx_.run(queries::jobs_of_line, params)) {
            if (jobs.empty() || jobs.back().id != number(row[0])) {
                jobs.push_back({.id = number(row[0]),
                    .queue = text(row[1]),
                    .priority = static_cast<int>(number(row[2])),
                    .cost = number(row[3]),
                    .limits = {}});
            }
            if (!row[4].is_null()) {
                jobs.back().limits.push_back(job_limit(text(row[4]), row, 5));
            }
        }
        return jobs;
    }

    LineStarts starts_within(const std::string& line, Milliseconds period) override
    {
        const auto rows = tx_.run(queries::starts_within, Params().add(line).add(period.count()));
        return {.cost = number(rows[0][0]), .free_in = maybe_length(rows[0][1])};
    }

    void move(JobId job, const std::string& line) override
    {
        tx_.run(queries::move_to_line, Params().add(job).add(line));
    }

    void release(const std::string& line) override { tx_.run(queries::release_line, Params().add(line)); }

    void note_starts(const std::map<std::string, std::int64_t>& cost_by_line) override
    {
        if (cost_by_line.empty()) {
            return;
        }
        std::vector<std::string> lines;
        std::vector<std::int64_t> costs;
        for (const auto& [line, cost] : cost_by_line) {
            lines.push_back(line);
            costs.push_back(cost);
        }
        tx_.run(queries::note_starts, Params().add(lines).add(costs));
    }

private:
    Connection::Transaction& tx_;
    const LimitedRequest& request_;
};

} // namespace

Limit limit_of(const pqxx::row& row, int first)
{
    const auto maybe_int = [&](int column) {
        const auto value = maybe_number(row[column]);
        return value ? std::optional(static_cast<int>(*value)) : std::nullopt;
    };
    return {.scope = parse_limit_scope(text(row[first])).value_or(LimitScope::queue),
        .name = text(row[first + 1]),
        .at_most = maybe_int(first + 2),
        .starts = maybe_int(first + 3),
        .period = maybe_length(row[first + 4])};
}

LimitedClaim PostgresStorage::hold_limited(const LimitedRequest& request)
{
    LimitedClaim claim;
    if (request.lanes.empty()) {
        return claim;
    }
    std::vector<std::string> queues;
    std::vector<std::int64_t> priorities;
    std::vector<std::int64_t> floors;
    for (const auto& lane : request.lanes) {
        queues.push_back(lane.lane.queue);
        priorities.push_back(lane.lane.priority);
        floors.push_back(lane.floor);
    }
    Params params;
    params.add(queues)
        .add(priorities)
        .add(floors)
        .add(request.look_at)
        .add(request.kinds)
        .add(request.labels);
    claim.lanes = request.lanes;
    for (const auto& row : connection_.write(queries::hold_limited, params)) {
        leave_to_claim(claim.lanes.at(static_cast<std::size_t>(number(row[0]))), request.look_at,
            static_cast<int>(number(row[1])), static_cast<int>(number(row[2])));
        claim.moved += static_cast<int>(number(row[2]));
    }
    std::erase_if(claim.lanes, [](const LaneClaim& lane) { return lane.limit <= 0; });
    return claim;
}

LimitedClaim PostgresStorage::claim_limited(const LimitedRequest& request)
{
    assert(request.limit >= 1 && request.limit <= claim_batch_max);
    LimitedClaim claim = hold_limited(request);
    claim.last_line = request.after_line;
    connection_.transact([&](Connection::Transaction& tx) {
        claim.jobs.clear();
        const auto lock = tx.run(queries::lock_limits, Params().add(request.worker));
        claim.busy = !truth(lock[0][0]);
        if (claim.busy || !truth(lock[0][1])) {
            return;
        }
        PostgresLines lines(tx, request);
        const Admitted admitted = admit_limited(lines, request);
        claim.has_lines = admitted.has_lines;
        claim.again = admitted.again;
        claim.last_line = admitted.last_line;
        if (admitted.jobs.empty()) {
            return;
        }
        const std::vector<std::string> no_queues;
        const std::vector<std::int64_t> no_numbers;
        Params params;
        params.add(no_queues)
            .add(no_numbers)
            .add(no_numbers)
            .add(no_numbers)
            .add(request.limit)
            .add(request.worker);
        params.add(request.batch).add(request.kinds).add(request.labels).add(admitted.jobs);
        claim.jobs = claimed_jobs(tx.run(queries::claim_jobs, params), request.worker);
    });
    return claim;
}

std::vector<LimitRow> PostgresStorage::limits()
{
    std::vector<LimitRow> limits;
    for (const auto& row : connection_.read(queries::list_limits, Params().add(limit_waiting_max))) {
        limits.push_back({.limit = limit_of(row, 0),
            .running = number(row[5]),
            .started = number(row[6]),
            .waiting = number(row[7])});
    }
    return limits;
}

void PostgresStorage::set_limit(const Limit& limit, const std::string& actor)
{
    connection_.transact([&](Connection::Transaction& tx) {
        tx.run(queries::set_actor, Params().add(actor));
        Params params;
        params.add(to_string(limit.scope)).add(limit.name).add(limit.at_most).add(limit.starts);
        params.add(limit.period ? std::optional(limit.period->count()) : std::nullopt);
        tx.run(queries::set_limit, params);
    });
}

bool PostgresStorage::remove_limit(LimitScope scope, const std::string& name, const std::string& actor)
{
    bool was_there = false;
    connection_.transact([&](Connection::Transaction& tx) {
        tx.run(queries::set_actor, Params().add(actor));
        was_there =
            tx.run(queries::remove_limit, Params().add(to_string(scope)).add(name)).affected_rows() > 0;
    });
    return was_there;
}

} // namespace jobrunner::postgres
