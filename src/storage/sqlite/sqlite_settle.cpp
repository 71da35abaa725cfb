// Closing claims, and what running jobs write meanwhile.

#include "core/text.hpp"
#include "storage/sqlite/gates.hpp"
#include "storage/sqlite/queries.hpp"
#include "storage/sqlite/rows.hpp"
#include "storage/sqlite/settle_claims.hpp"
#include "storage/sqlite/sqlite_storage.hpp"

#include <set>
#include <utility>

namespace jobrunner::sqlite {
namespace {

using ClaimKey = std::pair<JobId, std::int32_t>;

// Null where there is nothing to say.
std::optional<std::string> some_text(const std::string& text)
{
    return text.empty() ? std::nullopt : std::optional(scrub_text(text));
}

std::optional<std::string> some_json(const std::optional<std::string>& json)
{
    return json ? std::optional(scrub_json(*json)) : std::nullopt;
}

constexpr int gates_per_settle = 200;

enum CompleteStatement : std::size_t {
    make_scratch,
    gather,
    sort_out,
    keep_in_history,
    count_completed,
    close_edges,
    count_members,
    remove_jobs,
    list_completed,
    clear_scratch,
    complete_one
};

int put_completion(Statement& statement, const Settlement& one)
{
    return statement.run(one.token.job, one.token.fence, one.token.worker, one.keep,
        some_json(one.report.result), some_text(one.report.output), one.report.cpu_ms,
        one.report.max_rss_bytes, one.report.read_bytes, one.report.write_bytes);
}

// requeue_jobs and finish_jobs begin with the same parameters; `own` are those that follow.
template <typename... Own>
int close_attempt(Statement& statement, const Settlement& one, const Own&... own)
{
    const RunReport& report = one.report;
    return statement.run(one.token.job, one.token.fence, one.token.worker, one.outcome, some_text(one.reason),
        some_text(report.error_class), some_text(report.error), some_text(report.backtrace), report.exit_code,
        report.signal, report.cpu_ms, report.max_rss_bytes, report.read_bytes, report.write_bytes,
        some_text(report.output), own...);
}

// Completes, all at once, the claims that stand and whose jobs need not run again; returns which those were.
std::set<ClaimKey> complete_claims(Connection& connection, std::span<const Settlement> settlements)
{
    const auto step = [&](std::size_t nth) -> Statement& {
        return connection.statement(queries::complete_jobs, nth);
    };
    std::set<ClaimKey> completed;
    bool any = false;
    for (const auto& settlement : settlements) {
        if (settlement.verdict == Verdict::complete) {
            put_completion(step(gather), settlement);
            any = true;
        }
    }
    if (any) {
        step(sort_out).run();
        step(keep_in_history).run();
        step(count_completed).run();
        step(close_edges).run();
        step(count_members).run();
        step(remove_jobs).run();
        step(list_completed).each([&](const Statement& row) {
            completed.emplace_hint(completed.end(), row.number(0), row.integer(1));
        });
        step(clear_scratch).run();
    }
    return completed;
}

// Closes a claim by itself. Whether it stood, and so was closed.
bool close_claim(Connection& connection, const Settlement& settlement)
{
    switch (settlement.verdict) {
    case Verdict::complete:
        return put_completion(connection.statement(queries::complete_jobs, complete_one), settlement) > 0;
    case Verdict::requeue:
        return close_attempt(connection.statement(queries::requeue_jobs), settlement, settlement.delay,
                   settlement.refund) > 0;
    case Verdict::dead:
    case Verdict::cancelled:
        return close_attempt(connection.statement(queries::finish_jobs), settlement,
                   settlement.verdict == Verdict::dead ? "dead" : "cancelled", settlement.keep,
                   some_text(settlement.fingerprint)) > 0;
    }
    return false;
}

// What became of a claim that no longer stands.
Settled end_of_claim(Connection& connection, const ClaimToken& token)
{
    Settled end = Settled::lost;
    connection.statement(queries::closed_claims)
        .each(
            [&](const Statement& row) {
                end = row.number(0) != 0   ? Settled::completed_by_job
                    : end == Settled::lost ? Settled::failed_by_job
                                           : end;
            },
            token.job, token.fence, token.worker);
    if (end != Settled::lost) {
        connection.statement(queries::forget_marks).run(token.job, token.fence, token.worker);
    }
    return end;
}

// What a claim leaves behind beside its job's row. Jobs on their first attempt that wrote nothing leave nothing.
void clear_leftovers(Connection& connection, const Settlement& settlement)
{
    const JobId id = settlement.token.job;
    if (settlement.report.wrote_live_output) {
        connection.statement(queries::clear_live_data).run(id);
        connection.statement(queries::clear_progress).run(id);
    }
    if (settlement.report.end == RunEnd::cancelled) {
        connection.statement(queries::clear_cancel_requests).run(id);
    }
}

} // namespace

std::vector<Settled> settle_claims(Connection& connection, std::span<const Settlement> settlements,
    WorkerId worker, std::span<const std::int64_t> done_batches)
{
    const auto completed = complete_claims(connection, settlements);
    std::vector<Settled> results;
    results.reserve(settlements.size());
    for (const auto& settlement : settlements) {
        const ClaimToken& token = settlement.token;
        const bool applied =
            completed.contains({token.job, token.fence}) || close_claim(connection, settlement);
        results.push_back(applied ? Settled::applied : end_of_claim(connection, token));
        clear_leftovers(connection, settlement);
    }
    for (const auto batch : done_batches) {
        connection.statement(queries::forget_batches).run(worker, batch);
    }
    return results;
}

std::vector<Settled> SqliteStorage::settle(
    std::span<const Settlement> settlements, WorkerId worker, std::span<const std::int64_t> done_batches)
{
    return connection_.write([&] {
        auto settled = settle_claims(connection_, settlements, worker, done_batches);
        judge_gates(connection_, gates_per_settle);
        return settled;
    });
}

std::vector<Settled> SqliteStorage::settled_already(std::span<const ClaimToken> tokens)
{
    return connection_.read([&] {
        std::vector<Settled> results;
        for (const auto& token : tokens) {
            bool stands = false;
            connection_.statement(queries::standing_claims)
                .each([&](const Statement&) { stands = true; }, token.job, token.fence, token.worker);
            results.push_back(stands ? Settled::lost : Settled::applied);
        }
        return results;
    });
}

std::vector<CancelRequest> SqliteStorage::cancel_requests(WorkerId worker)
{
    return connection_.read([&] {
        std::vector<CancelRequest> requests;
        connection_.statement(queries::cancel_requests)
            .each(
                [&](const Statement& row) {
                    requests.push_back({{row.number(0), row.integer(1), row.number(2)}});
                },
                worker);
        return requests;
    });
}

void SqliteStorage::write_output(std::span<const LiveOutput> output)
{
    connection_.write([&] {
        auto& write = connection_.statement(queries::write_output);
        for (const auto& one : output) {
            write.run(one.token.job, one.token.fence, one.token.worker, one.sequence, one.stream,
                scrub_text(one.body));
        }
    });
}

void SqliteStorage::write_progress(std::span<const Progress> progress)
{
    connection_.write([&] {
        auto& write = connection_.statement(queries::write_progress);
        for (const auto& one : progress) {
            const auto note = one.note ? some_text(*one.note) : std::nullopt;
            write.run(one.token.job, one.token.fence, one.token.worker, one.percent, note,
                some_json(one.checkpoint));
        }
    });
}

} // namespace jobrunner::sqlite
