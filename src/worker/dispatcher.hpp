#pragma once

#include "core/lane_book.hpp"
#include "storage/wake.hpp"
#include "worker/duration_meter.hpp"
#include "worker/limited_claims.hpp"
#include "worker/run_board.hpp"
#include "worker/storage_loop.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace jobrunner {

// What a worker can run.
struct Abilities {
    std::vector<std::string> kinds;
    std::vector<std::string> labels;
    std::vector<std::string> queues;    // none: every queue
    std::map<std::string, int> weights; // of queues; 1 where none is said
};

// Claims jobs for free slots and hands them on. Sleeps when there is nothing: until news of a commit, until a
// scheduled job is due, and a second at most.
//
// Threads: run() on one of its own; the rest from any.
class Dispatcher {
public:
    struct Hooks {
        std::function<std::optional<WorkerId>()> identity;
        std::function<void(std::vector<ClaimedJob>)> start;
        std::function<void()> on_upkeep;                          // a probe saw lost workers or expired jobs
        std::function<void(const ScheduleOutlook&)> on_schedules; // each look's
        // A heartbeat that the next look may carry, and what came of it.
        std::function<std::optional<Heartbeat>()> beat;
        std::function<void(WorkerId, std::chrono::nanoseconds sent, bool renewed)> on_beat;
    };

    Dispatcher(
        OpenStorage open, std::unique_ptr<Wake> wake, RunBoard& board, Abilities abilities, Hooks hooks);

    void set_abilities(Abilities abilities);
    // No new claims from now on, or again.
    void set_quiet(bool quiet);
    // Something has changed: a slot is free.
    void nudge() noexcept
    {
        if (!nudged_.exchange(true)) {
            wake_->interrupt();
        }
    }
    // Whether the last look found nothing to run, with nothing held either.
    [[nodiscard]] bool idle() const { return idle_; }
    // From any thread.
    void add_to(WorkerFigures& figures) const;

    void run(const std::stop_token& stop);

    // Looks below the floors with the caller's storage, if that is due; for the janitor, where it is too dear for a poll.
    void reread(Storage& storage);

private:
    using Clock = std::chrono::steady_clock;

    void step(Storage& storage);
    bool claim(Storage& storage, WorkerId worker, int room);
    void look(Storage& storage);
    [[nodiscard]] Probe probe(Storage& storage, bool from_bottom, const std::optional<Heartbeat>& beat = {});
    void rest(Storage& storage);
    void pause(Milliseconds at_most);
    void keep_disarmed();
    void read_back_doubtful(Storage& storage);
    void take_in(std::int64_t batch, std::vector<ClaimedJob> jobs);
    [[nodiscard]] ClaimRequest request_for(WorkerId worker, int room);
    int claim_limited(Storage& storage, ClaimRequest& request);
    [[nodiscard]] Milliseconds until_next_look() const;
    template <typename Claim>
    void in_doubt_noted(WorkerId worker, std::int64_t batch, Claim&& claim);

    StorageHolder storage_;
    std::unique_ptr<Wake> wake_;
    RunBoard& board_;
    Hooks hooks_;
    std::mutex mutex_; // over the book and the abilities: the janitor re-reads
    LaneBook book_;
    Abilities abilities_;
    std::atomic<bool> quiet_{false};
    std::atomic<bool> idle_{false};
    std::atomic<bool> nudged_{false}; // since the dispatcher last looked what has changed
    DurationMeter meter_;
    std::atomic<std::int64_t> jobs_claimed_{0};
    LimitedClaims limited_;
    std::int64_t last_batch_ = 0;
    Clock::time_point next_look_{};
    Clock::time_point busy_until_{};
    Milliseconds busy_poll_{1};
    Clock::time_point window_begin_{}; // what was taken since then tells whether jobs come fast
    std::size_t window_jobs_ = 0;
    Clock::time_point bottom_next_{};
    Clock::duration bottom_cost_{};
    bool armed_ = false;
    bool news_ = false;
    struct Doubtful {
        WorkerId worker;
        std::int64_t batch;
        Clock::time_point until;
        Clock::time_point next;
    };
    std::vector<Doubtful> doubtful_;
};

} // namespace jobrunner
