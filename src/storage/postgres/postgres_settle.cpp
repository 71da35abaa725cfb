// Closing claims.

#include "core/text.hpp"
#include "storage/postgres/job_json.hpp"
#include "storage/postgres/postgres_storage.hpp"
#include "storage/postgres/queries.hpp"
#include "storage/postgres/rows.hpp"
#include "storage/postgres/settle_claims.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace jobrunner::postgres {
namespace {

using ClaimKey = std::pair<JobId, std::int32_t>;

using Chosen = std::vector<const Settlement*>;

Chosen with_verdicts(const Chosen& settlements, std::initializer_list<Verdict> verdicts)
{
    Chosen chosen;
    for (const auto* settlement : settlements) {
        if (std::find(verdicts.begin(), verdicts.end(), settlement->verdict) != verdicts.end()) {
            chosen.push_back(settlement);
        }
    }
    // Always in the order of ids, so that two settles cannot wait for each other.
    std::sort(chosen.begin(), chosen.end(),
        [](const Settlement* a, const Settlement* b) { return a->token.job < b->token.job; });
    return chosen;
}

// An array parameter, or null where nothing is set: most jobs have neither result nor output.
template <typename Value, typename Member>
void add_column(Params& params, const Chosen& settlements, Member member)
{
    std::vector<std::optional<Value>> column;
    bool some = false;
    for (const auto* settlement : settlements) {
        column.push_back(member(*settlement));
        some = some || column.back().has_value();
    }
    if (some) {
        params.add(column);
    } else {
        params.add_null();
    }
}

Params completion_params(const Chosen& done, WorkerId worker)
{
    std::vector<std::int64_t> ids;
    std::vector<std::int64_t> fences;
    std::vector<std::optional<std::int64_t>> keeps;
    for (const auto* one : done) {
        ids.push_back(one->token.job);
        fences.push_back(one->token.fence);
        keeps.push_back(one->keep ? std::optional<std::int64_t>(one->keep->count()) : std::nullopt);
    }
    Params params;
    params.add(worker).add(ids).add(fences).add(keeps);
    add_column<std::string>(params, done, [](const Settlement& one) {
        return one.report.result ? std::optional(scrub_json(*one.report.result)) : std::nullopt;
    });
    add_column<std::string>(params, done, [](const Settlement& one) {
        return one.report.output.empty() ? std::nullopt : std::optional(scrub_text(one.report.output));
    });
    add_column<std::int64_t>(params, done, [](const Settlement& one) { return one.report.cpu_ms; });
    add_column<std::int64_t>(params, done, [](const Settlement& one) { return one.report.max_rss_bytes; });
    add_column<std::int64_t>(params, done, [](const Settlement& one) { return one.report.read_bytes; });
    add_column<std::int64_t>(params, done, [](const Settlement& one) { return one.report.write_bytes; });
    return params;
}

Params token_params(std::span<const ClaimToken> tokens)
{
    std::vector<std::int64_t> ids;
    std::vector<std::int64_t> fences;
    std::vector<std::int64_t> workers;
    for (const auto& token : tokens) {
        ids.push_back(token.job);
        fences.push_back(token.fence);
        workers.push_back(token.worker);
    }
    return std::move(Params().add(ids).add(fences).add(workers));
}

std::set<ClaimKey> claim_keys(const pqxx::result& rows)
{
    std::set<ClaimKey> keys;
    for (const auto& row : rows) {
        keys.emplace(number(row[0]), static_cast<std::int32_t>(number(row[1])));
    }
    return keys;
}

// Results name jobs, so of several claims of one job only the one that stands may be tried; the others are left out.
Chosen one_claim_per_job(Connection::Transaction& tx, std::span<const Settlement> settlements)
{
    Chosen all;
    std::set<JobId> jobs;
    std::vector<ClaimToken> tokens;
    for (const auto& settlement : settlements) {
        all.push_back(&settlement);
        jobs.insert(settlement.token.job);
        tokens.push_back(settlement.token);
    }
    if (jobs.size() < all.size()) {
        const auto standing = claim_keys(tx.run(queries::standing_claims, token_params(tokens)));
        std::erase_if(all, [&](const Settlement* one) {
            return !standing.contains({one->token.job, one->token.fence});
        });
    }
    return all;
}

// Each closes claims and returns the ids of those that did not stand.
std::set<JobId> complete(Connection::Transaction& tx, const Chosen& done, WorkerId worker)
{
    std::set<JobId> missing;
    for (const auto& id :
        parse_text_array(text(tx.run(queries::complete_jobs, completion_params(done, worker))[0][0]))) {
        missing.insert(std::stoll(id));
    }
    return missing;
}

std::set<JobId> close_by_json(Connection::Transaction& tx, std::string_view query, const Chosen& settlements)
{
    const std::string json = json_array(settlements, [](const Settlement* one) { return to_json(*one); });
    std::set<JobId> missing;
    for (const auto* settlement : settlements) {
        missing.insert(settlement->token.job);
    }
    for (const auto& row : tx.run(query, Params().add(json))) {
        missing.erase(number(row[0]));
    }
    return missing;
}

// What became of those of the claims that their jobs closed themselves.
std::map<ClaimKey, Settled> closed_claims(Connection::Transaction& tx, std::span<const ClaimToken> tokens)
{
    std::map<ClaimKey, Settled> closed;
    for (const auto& row : tx.run(queries::closed_claims, token_params(tokens))) {
        Settled& end = closed
                           .try_emplace({number(row[0]), static_cast<std::int32_t>(number(row[1]))},
                               Settled::failed_by_job)
                           .first->second;
        end = row[2].as<bool>() ? Settled::completed_by_job : end;
    }
    return closed;
}

// What a claim leaves behind beside its job's row. Jobs on their first attempt that wrote nothing leave nothing.
void clear_leftovers(Connection::Transaction& tx, std::span<const Settlement> settlements)
{
    std::vector<std::int64_t> wrote;
    std::vector<std::int64_t> finished;
    std::vector<std::int64_t> cancelled;
    for (const auto& one : settlements) {
        if (one.report.wrote_live_output) {
            wrote.push_back(one.token.job);
        }
        if (one.verdict == Verdict::complete && (one.token.fence > 1 || one.report.wrote_live_output)) {
            finished.push_back(one.token.job);
        }
        if (one.report.end == RunEnd::cancelled) {
            cancelled.push_back(one.token.job);
        }
    }
    const auto clear = [&](std::string_view query, const std::vector<std::int64_t>& ids) {
        if (!ids.empty()) {
            tx.run(query, Params().add(ids));
        }
    };
    clear(queries::clear_live_data, wrote);
    clear(queries::clear_progress, finished);
    clear(queries::clear_cancel_requests, cancelled);
}

} // namespace

std::vector<Settled> settle_claims(Connection::Transaction& tx, std::span<const Settlement> settlements,
    WorkerId worker, std::span<const std::int64_t> done_batches)
{
    std::set<JobId> missing;
    std::map<ClaimKey, Settled> closed;
    const Chosen tried = one_claim_per_job(tx, settlements);
    const auto done = with_verdicts(tried, {Verdict::complete});
    const auto again = with_verdicts(tried, {Verdict::requeue});
    const auto over = with_verdicts(tried, {Verdict::dead, Verdict::cancelled});
    if (!done.empty()) {
        missing.merge(complete(tx, done, worker));
    }
    if (!again.empty()) {
        missing.merge(close_by_json(tx, queries::requeue_jobs, again));
    }
    if (!over.empty()) {
        missing.merge(close_by_json(tx, queries::finish_jobs, over));
    }
    if (!missing.empty() || tried.size() < settlements.size()) {
        std::vector<ClaimToken> tokens;
        for (const auto& settlement : settlements) {
            tokens.push_back(settlement.token);
        }
        closed = closed_claims(tx, tokens);
        if (!closed.empty()) {
            tx.run(queries::forget_marks, token_params(tokens));
        }
    }
    clear_leftovers(tx, settlements);
    if (!done_batches.empty()) {
        tx.run(queries::forget_batches,
            Params().add(worker).add(std::vector<std::int64_t>(done_batches.begin(), done_batches.end())));
    }
    std::vector<Settled> results;
    auto next = tried.begin(); // in the order of settlements
    for (const auto& settlement : settlements) {
        const ClaimToken& token = settlement.token;
        const bool was_tried = next != tried.end() && *next == &settlement;
        next += was_tried ? 1 : 0;
        const auto end = closed.find({token.job, token.fence});
        results.push_back(was_tried && !missing.contains(token.job) ? Settled::applied
                : end != closed.end()                               ? end->second
                                                                    : Settled::lost);
    }
    return results;
}

std::vector<Settled> PostgresStorage::settle(
    std::span<const Settlement> settlements, WorkerId worker, std::span<const std::int64_t> done_batches)
{
    std::vector<Settled> results;
    connection_.transact(
        [&](Connection::Transaction& tx) { results = settle_claims(tx, settlements, worker, done_batches); });
    return results;
}

std::vector<Settled> PostgresStorage::settled_already(std::span<const ClaimToken> tokens)
{
    const auto standing = claim_keys(connection_.read(queries::standing_claims, token_params(tokens)));
    std::vector<Settled> results;
    for (const auto& token : tokens) {
        results.push_back(standing.contains({token.job, token.fence}) ? Settled::lost : Settled::applied);
    }
    return results;
}

} // namespace jobrunner::postgres
