#pragma once

#include "worker/duration_meter.hpp"
#include "worker/run_board.hpp"
#include "worker/storage_loop.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <vector>

namespace jobrunner {

// Counts of settled attempts since the worker started.
struct SettledCounts {
    std::atomic<std::int64_t> completed{0};
    std::atomic<std::int64_t> failed{0};
    std::atomic<std::int64_t> dead{0};
    std::atomic<std::int64_t> other{0};
    std::atomic<std::int64_t> lost{0};
};

// Brings attempts' ends and live output to the storage, in batches: whatever has come together while the
// last batch was being written, so a lone job never waits. Keeps trying while the database is away; an end
// whose COMMIT is in doubt is read back before it is written again.
//
// Threads: push and write from any thread; run() on one of its own.
class Settler {
public:
    using OnEnd = std::function<void(const Settlement&, Settled)>;

    // `on_end` is called for each end that the database has.
    Settler(OpenStorage open, RunBoard& board, std::function<void()> on_settled, OnEnd on_end);

    void push(Settlement settlement);
    // Dropped, and said so in the log, when too much is waiting already.
    void write(LiveOutput output);
    // What a job says again replaces what it said before, if that waits still; so nothing of it is ever dropped.
    void write(Progress progress);

    // Serves until stopped; what is there by then is still written, for at most `flush_at_most`.
    void run(const std::stop_token& stop, std::chrono::milliseconds flush_at_most);

    [[nodiscard]] const SettledCounts& counts() const { return counts_; }
    // From any thread.
    void add_to(WorkerFigures& figures) const;

private:
    struct Work {
        std::vector<Settlement> ends;
        std::vector<LiveOutput> output;
        std::vector<Progress> progress;
        [[nodiscard]] bool empty() const { return ends.empty() && output.empty() && progress.empty(); }
    };

    [[nodiscard]] Work take(const std::stop_token& stop);
    void write_live(Storage& storage, Work& work);
    void settle(Storage& storage, std::vector<Settlement>& ends);
    void settle_of_worker(Storage& storage, std::vector<Settlement> ends);
    void settle_one_by_one(Storage& storage, std::vector<Settlement>& ends);
    void resolve_doubt(Storage& storage, std::vector<Settlement>& ends);
    void note(const Settlement& settlement, Settled settled);
    void note_settled_by_job(const Settlement& settlement, bool completed);

    StorageHolder storage_;
    RunBoard& board_;
    std::function<void()> on_settled_;
    OnEnd on_end_;
    SettledCounts counts_;
    DurationMeter meter_;
    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::deque<Settlement> ends_;
    std::deque<LiveOutput> output_;
    std::map<JobId, Progress> progress_;
    std::vector<std::int64_t> done_batches_;
    bool in_doubt_ = false;
};

} // namespace jobrunner
