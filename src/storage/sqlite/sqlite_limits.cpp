// Limits: jobs under them, and the limits themselves.

#include "storage/admit_limited.hpp"
#include "storage/sqlite/queries.hpp"
#include "storage/sqlite/rows.hpp"
#include "storage/sqlite/sqlite_storage.hpp"

#include <algorithm>
#include <cassert>

namespace jobrunner::sqlite {
namespace {

// Statements of hold_limited after the one that makes the table.
enum HoldStatement : std::size_t { forget_looks = 1, look_at_lane, move_limited };

JobLimit job_limit(std::string line, const Statement& row, int first)
{
    return {.line = std::move(line),
        .at_most = row.maybe_number(first),
        .starts = row.maybe_number(first + 1),
        .period = row.maybe_length(first + 2).value_or(Milliseconds{0})};
}

class SqliteLines final : public LimitLines {
public:
    SqliteLines(Connection& connection, const LimitedRequest& request)
        : connection_(connection),
          kinds_(to_json(request.kinds)),
          labels_(to_json(request.labels)),
          queues_(to_json(request.queues))
    {
    }

    std::map<std::string, std::int64_t> running() override
    {
        std::map<std::string, std::int64_t> cost_by_line;
        connection_.statement(queries::running_by_line).each([&](const Statement& row) {
            cost_by_line[row.text(0)] = row.number(1);
        });
        return cost_by_line;
    }

    std::optional<std::string> line_after(const std::string& line) override
    {
        std::optional<std::string> next;
        connection_.statement(queries::line_after)
            .each([&](const Statement& row) { next = row.maybe_text(0); }, line);
        return next;
    }

    std::optional<LineLimit> limit_of(const std::string& line) override
    {
        std::optional<LineLimit> limit;
        connection_.statement(queries::limit_of_line)
            .each(
                [&](const Statement& row) {
                    limit = LineLimit{.limit = job_limit(line, row, 2),
                        .scope = parse_limit_scope(row.text(0)).value_or(LimitScope::queue),
                        .name = row.text(1)};
                },
                line);
        return limit;
    }

    std::vector<LineJob> jobs_of(const std::string& line, int limit) override
    {
        std::vector<LineJob> jobs;
        connection_.statement(queries::jobs_of_line)
            .each(
                [&](const Statement& row) {
                    if (jobs.empty() || jobs.back().id != row.number(0)) {
                        jobs.push_back({.id = row.number(0),
                            .queue = row.text(1),
                            .priority = row.integer(2),
                            .cost = row.number(3),
                            .limits = {}});
                    }
                    if (!row.is_null(4)) {
                        jobs.back().limits.push_back(job_limit(row.text(4), row, 5));
                    }
                },
                line, limit, kinds_, labels_, queues_);
        return jobs;
    }

    LineStarts starts_within(const std::string& line, Milliseconds period) override
    {
        LineStarts starts;
        connection_.statement(queries::starts_within)
            .each(
                [&](const Statement& row) {
                    starts.cost = row.number(0);
                    if (const auto wait = row.maybe_number(1)) {
                        starts.free_in = Milliseconds(*wait);
                    }
                },
                line, period);
        return starts;
    }

    void move(JobId job, const std::string& line) override
    {
        connection_.statement(queries::move_to_line).run(job, line);
    }

    void release(const std::string& line) override { connection_.statement(queries::release_line).run(line); }

    void note_starts(const std::map<std::string, std::int64_t>& cost_by_line) override
    {
        for (const auto& [line, cost] : cost_by_line) {
            connection_.statement(queries::note_starts).run(line, cost);
        }
    }

private:
    Connection& connection_;
    std::string kinds_;
    std::string labels_;
    std::string queues_;
};

} // namespace

Limit limit_of(const Statement& row, int first)
{
    return {.scope = parse_limit_scope(row.text(first)).value_or(LimitScope::queue),
        .name = row.text(first + 1),
        .at_most = row.maybe_integer(first + 2),
        .starts = row.maybe_integer(first + 3),
        .period = row.maybe_length(first + 4)};
}

LimitedClaim SqliteStorage::hold_limited(const LimitedRequest& request)
{
    const std::string kinds = to_json(request.kinds);
    const std::string labels = to_json(request.labels);
    const auto step = [&](HoldStatement nth) -> Statement& {
        return connection_.statement(queries::hold_limited, nth);
    };
    LimitedClaim claim;
    claim.lanes = request.lanes;
    for (auto& lane : claim.lanes) {
        step(forget_looks).run();
        const int seen =
            step(look_at_lane).run(lane.lane.queue, lane.lane.priority, request.look_at, kinds, labels);
        const int held = step(move_limited).run();
        leave_to_claim(lane, request.look_at, seen, held);
        claim.moved += held;
    }
    std::erase_if(claim.lanes, [](const LaneClaim& lane) { return lane.limit <= 0; });
    return claim;
}

LimitedClaim SqliteStorage::claim_limited(const LimitedRequest& request)
{
    assert(request.limit >= 1 && request.limit <= claim_batch_max);
    return connection_.write([&] {
        LimitedClaim claim = hold_limited(request);
        claim.last_line = request.after_line;
        bool may_take = false;
        connection_.statement(queries::lock_limits)
            .each([&](const Statement& row) { may_take = row.truth(1); }, request.worker);
        if (!may_take) {
            return claim;
        }
        SqliteLines lines(connection_, request);
        const Admitted admitted = admit_limited(lines, request);
        claim.has_lines = admitted.has_lines;
        claim.again = admitted.again;
        claim.last_line = admitted.last_line;
        claim.jobs = claim_admitted(request, admitted.jobs);
        return claim;
    });
}

std::vector<LimitRow> SqliteStorage::limits()
{
    return connection_.read([&] {
        std::vector<LimitRow> limits;
        connection_.statement(queries::list_limits)
            .each(
                [&](const Statement& row) {
                    limits.push_back({.limit = limit_of(row, 0),
                        .running = row.number(5),
                        .started = row.number(6),
                        .waiting = row.number(7)});
                },
                limit_waiting_max);
        return limits;
    });
}

void SqliteStorage::set_limit(const Limit& limit, const std::string& actor)
{
    connection_.write([&] {
        connection_.run_all(queries::set_limit, to_string(limit.scope), limit.name, limit.at_most,
            limit.starts, limit.period, actor);
    });
}

bool SqliteStorage::remove_limit(LimitScope scope, const std::string& name, const std::string& actor)
{
    return connection_.write(
        [&] { return connection_.run_all(queries::remove_limit, to_string(scope), name, actor) > 0; });
}

} // namespace jobrunner::sqlite
