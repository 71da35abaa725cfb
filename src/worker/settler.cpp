#include "worker/settler.hpp"

#include "storage/fault_point.hpp"
#include "worker/worker_log.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <span>

namespace jobrunner {
namespace {

constexpr std::size_t batch_max = 1000;
constexpr std::size_t live_max = 2000;

template <typename Queue>
auto take_front(Queue& queue)
{
    const auto count = static_cast<std::ptrdiff_t>(std::min(queue.size(), batch_max));
    std::vector<typename Queue::value_type> taken(
        std::make_move_iterator(queue.begin()), std::make_move_iterator(queue.begin() + count));
    queue.erase(queue.begin(), queue.begin() + count);
    return taken;
}

template <typename Value>
void keep_if_unset(std::optional<Value>& later, std::optional<Value>& earlier)
{
    if (!later) {
        later = std::move(earlier);
    }
}

void merge_into(Progress& earlier, Progress later)
{
    if (earlier.token == later.token) {
        keep_if_unset(later.percent, earlier.percent);
        keep_if_unset(later.note, earlier.note);
        keep_if_unset(later.checkpoint, earlier.checkpoint);
    }
    earlier = std::move(later);
}

template <typename Item, typename Write>
void write_one(const Item& item, Write write)
{
    try {
        write(std::span<const Item>(&item, 1));
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::refused) {
            throw;
        }
        spdlog::warn("live_data_refused job_id={} error={}", item.token.job, log_value(error.what()));
    }
}

// One that the storage cannot take, such as a checkpoint that is too large as it stores it, holds up no others.
template <typename Item, typename Write>
void write_all(std::vector<Item>& items, Write write)
{
    while (!items.empty()) {
        const std::span<const Item> batch(items.data(), std::min(items.size(), batch_max));
        try {
            write(batch);
        } catch (const Error& refusal) {
            if (refusal.kind() != ErrorKind::refused) {
                throw;
            }
            for (const Item& item : batch) {
                write_one(item, write);
            }
        }
        items.erase(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(batch.size()));
    }
}

} // namespace

Settler::Settler(OpenStorage open, RunBoard& board, std::function<void()> on_settled, OnEnd on_end)
    : storage_(std::move(open), "settle"),
      board_(board),
      on_settled_(std::move(on_settled)),
      on_end_(std::move(on_end))
{
}

void Settler::push(Settlement settlement)
{
    const std::lock_guard lock(mutex_);
    ends_.push_back(std::move(settlement));
    if (ends_.size() == 1) {
        changed_.notify_one();
    }
}

void Settler::write(LiveOutput output)
{
    const std::lock_guard lock(mutex_);
    if (output_.size() >= live_max) {
        spdlog::warn("live_output_dropped job_id={}", output.token.job);
        return;
    }
    output_.push_back(std::move(output));
    changed_.notify_one();
}

void Settler::write(Progress progress)
{
    const std::lock_guard lock(mutex_);
    const auto [waiting, is_new] = progress_.try_emplace(progress.token.job, progress);
    if (!is_new) {
        merge_into(waiting->second, std::move(progress));
    }
    changed_.notify_one();
}

Settler::Work Settler::take(const std::stop_token& stop)
{
    std::unique_lock lock(mutex_);
    changed_.wait(lock, stop, [this] { return !ends_.empty() || !output_.empty() || !progress_.empty(); });
    // All of the progress: what a job said is written before its end is.
    std::vector<Progress> progress;
    for (auto& [job, said] : std::exchange(progress_, {})) {
        progress.push_back(std::move(said));
    }
    return {take_front(ends_), take_front(output_), std::move(progress)};
}

void Settler::run(const std::stop_token& stop, std::chrono::milliseconds flush_at_most)
{
    Work work;
    std::optional<std::chrono::steady_clock::time_point> give_up;
    for (;;) {
        if (work.empty()) {
            work = take(stop);
        }
        if (work.empty() && stop.stop_requested()) {
            return;
        }
        if (stop.stop_requested() && !give_up) {
            give_up = std::chrono::steady_clock::now() + flush_at_most;
        }
        try {
            Storage& storage = storage_.get();
            write_live(storage, work);
            settle(storage, work.ends);
            storage_.worked();
        } catch (const Error& error) {
            in_doubt_ = in_doubt_ || error.kind() == ErrorKind::in_doubt;
            const auto wait = storage_.failed(error);
            if (give_up && std::chrono::steady_clock::now() > *give_up) {
                spdlog::error("settle_given_up jobs={} error={}", work.ends.size(), log_value(error.what()));
                return;
            }
            Pause().wait({}, wait);
        }
    }
}

void Settler::write_live(Storage& storage, Work& work)
{
    write_all(work.output, [&](std::span<const LiveOutput> output) { storage.write_output(output); });
    write_all(work.progress, [&](std::span<const Progress> progress) { storage.write_progress(progress); });
}

void Settler::settle(Storage& storage, std::vector<Settlement>& ends)
{
    if (in_doubt_) {
        resolve_doubt(storage, ends);
        in_doubt_ = false;
    }
    while (!ends.empty()) {
        const WorkerId worker = ends.front().token.worker;
        const auto others = std::stable_partition(
            ends.begin(), ends.end(), [&](const Settlement& end) { return end.token.worker == worker; });
        std::vector<Settlement> mine(ends.begin(), others);
        try {
            settle_of_worker(storage, std::move(mine));
            ends.erase(ends.begin(), others);
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::refused) {
                throw;
            }
            settle_one_by_one(storage, ends);
        }
    }
}

void Settler::settle_of_worker(Storage& storage, std::vector<Settlement> ends)
{
    std::vector<ClaimToken> tokens;
    for (const auto& end : ends) {
        tokens.push_back(end.token);
    }
    fault_point("before_settle");
    const auto results =
        meter_.measure([&] { return storage.settle(ends, tokens.front().worker, done_batches_); });
    fault_point("settled");
    done_batches_ = board_.settled(tokens);
    for (std::size_t i = 0; i < ends.size(); ++i) {
        note(ends[i], results[i]);
    }
    on_settled_();
}

void Settler::settle_one_by_one(Storage& storage, std::vector<Settlement>& ends)
{
    while (!ends.empty()) {
        try {
            settle_of_worker(storage, {ends.front()});
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::refused) {
                throw;
            }
            // What the job left cannot be stored, and would not be the next time either.
            Settlement& end = ends.front();
            end.verdict = Verdict::dead;
            end.outcome = "failed";
            end.reason = "its outcome cannot be stored";
            const std::string what = error.what();
            end.report = {};
            end.report.error = what;
            end.report.error_class = "UnstorableOutcome";
            end.fingerprint = error_fingerprint(end.report.error_class, what);
            settle_of_worker(storage, {end});
        }
        ends.erase(ends.begin());
    }
}

void Settler::resolve_doubt(Storage& storage, std::vector<Settlement>& ends)
{
    if (ends.empty()) {
        return;
    }
    std::vector<ClaimToken> tokens;
    for (const auto& end : ends) {
        tokens.push_back(end.token);
    }
    const auto found = storage.settled_already(tokens);
    std::vector<Settlement> open;
    std::vector<ClaimToken> closed;
    for (std::size_t i = 0; i < ends.size(); ++i) {
        if (found[i] == Settled::lost) {
            open.push_back(std::move(ends[i]));
        } else {
            note(ends[i], Settled::applied);
            closed.push_back(tokens[i]);
        }
    }
    std::ranges::copy(board_.settled(closed), std::back_inserter(done_batches_));
    ends = std::move(open);
    on_settled_();
}

// It had settled itself before its run ended, one way or another, and that stands.
void Settler::note_settled_by_job(const Settlement& settlement, bool completed)
{
    const std::string outcome = completed ? "completed" : "failed";
    ++(completed ? counts_.completed : counts_.failed);
    log_job(spdlog::level::info, "job_settled", settlement.token, settlement.kind, settlement.attempt,
        "by=job outcome=" + outcome + (settlement.outcome == outcome ? "" : " run=" + settlement.outcome));
}

void Settler::add_to(WorkerFigures& figures) const
{
    figures.completed = counts_.completed;
    figures.failed = counts_.failed;
    figures.dead = counts_.dead;
    figures.other = counts_.other;
    figures.lost = counts_.lost;
    figures.settles = meter_.counts();
    figures.connections.push_back(storage_.figures());
}

void Settler::note(const Settlement& settlement, Settled settled)
{
    on_end_(settlement, settled);
    if (settled == Settled::lost) {
        ++counts_.lost;
        log_job(spdlog::level::warn, "claim_lost", settlement.token, settlement.kind, settlement.attempt,
            "outcome=" + settlement.outcome);
        return;
    }
    if (settled == Settled::completed_by_job || settled == Settled::failed_by_job) {
        note_settled_by_job(settlement, settled == Settled::completed_by_job);
        return;
    }
    switch (settlement.verdict) {
    case Verdict::complete:
        ++counts_.completed;
        log_job(spdlog::level::debug, "job_completed", settlement.token, settlement.kind, settlement.attempt);
        break;
    case Verdict::dead:
        ++counts_.dead;
        log_job(spdlog::level::warn, "job_dead", settlement.token, settlement.kind, settlement.attempt,
            "error=" + log_value(settlement.report.error));
        break;
    case Verdict::cancelled:
    case Verdict::requeue:
        ++(is_failure(settlement.report.end) ? counts_.failed : counts_.other);
        log_job(spdlog::level::info, "job_" + settlement.outcome, settlement.token, settlement.kind,
            settlement.attempt,
            "delay=" + format_duration(settlement.delay) +
                (settlement.report.error.empty() ? "" : " error=" + log_value(settlement.report.error)));
        break;
    }
}

} // namespace jobrunner
