#pragma once

#include "core/kind_policy.hpp"
#include "worker/storage_loop.hpp"

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <vector>

namespace jobrunner {

// Keeps this worker's identity and its lease: one heartbeat for all its jobs, every third of the lease.
//
// A lease counts from before its heartbeat was sent, on a clock that runs while the host sleeps. When it has passed, or
// the database says so, the identity is given up for good: `on_lost` ends everything that runs under
// it, and the worker comes back under a new one.
//
// Threads: run() on one of its own; the rest from any.
class LeaseKeeper {
public:
    struct Hooks {
        std::function<void(std::chrono::nanoseconds boot_time)> on_lease; // extended until then
        std::function<void(WorkerId)> on_lost;
        std::function<void(const ClaimToken&)> on_cancel;
        std::function<bool()> has_long_runs; // whether it is worth asking for cancel requests
        std::function<int()> running;
    };

    LeaseKeeper(OpenStorage open, WorkerRecord record, Hooks hooks);

    // The identity to claim under, if its lease is good for a while yet.
    [[nodiscard]] std::optional<WorkerId> identity() const;
    void set_state(WorkerState state);
    // From any thread.
    void add_to(WorkerFigures& figures) const;
    // Published, with the worker's row, by the next beat.
    void set_kinds(std::vector<KindPolicy> kinds);
    // What is wrong with the worker, as JSON: written once, with a beat that it hastens.
    void set_report(std::string report);
    void nudge() { pause_.nudge(); }

    void run(const std::stop_token& stop);
    // A heartbeat for somebody else's query to carry, where one is nearly due and has nothing new to say, and what came
    // of it: `sent` is the boot time before that query was sent. Where none is carried, run() sends its own in time.
    [[nodiscard]] std::optional<Heartbeat> beat_to_carry() const;
    void carried(WorkerId worker, std::chrono::nanoseconds sent, bool renewed);

    // Ends the lease after everything is settled. Call when run() has returned.
    void retire();

private:
    void beat(Storage& storage);
    void publish(Storage& storage, std::vector<KindPolicy> kinds);
    void register_anew(Storage& storage);
    void look_for_cancels(Storage& storage);
    void check_expiry();
    void lose(const char* why);
    // Whether the lease was still this identity's.
    bool renew(WorkerId worker, std::chrono::nanoseconds sent);

    StorageHolder storage_;
    WorkerRecord record_;
    Hooks hooks_;
    Pause pause_;
    mutable std::mutex mutex_;
    std::optional<WorkerId> id_;
    std::chrono::nanoseconds lease_until_{0}; // boot time
    std::optional<std::vector<KindPolicy>> unpublished_;
    std::string report_ = "{}";
    std::string written_report_ = "{}"; // in the row of this identity
    std::mutex lease_order_;            // over the calls of on_lease and on_lost, taken before mutex_
    std::atomic<WorkerState> state_{WorkerState::running};
    std::atomic<std::int64_t> leases_lost_{0};
    std::atomic<std::chrono::steady_clock::time_point> next_beat_{};
    std::atomic<std::chrono::steady_clock::time_point> next_carry_{
        std::chrono::steady_clock::time_point::max()};
};

} // namespace jobrunner
