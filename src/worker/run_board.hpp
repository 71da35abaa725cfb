#pragma once

#include "core/job.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace jobrunner {

// Which jobs this worker holds, from claim to settle, and how much room is left.
//
// A job is *waiting* until a slot is free for it, *running* until its runner reports, then *settling* until the storage
// has it. Slots count running jobs; waiting jobs are a short prefetch.
//
// Threads: thread-safe.
class RunBoard {
public:
    using Clock = std::chrono::steady_clock;

    struct Limits {
        int slots = 10;
        std::map<std::string, int> queue_slots; // queues with a limit of their own
    };

    explicit RunBoard(Limits limits);
    void set_limits(Limits limits);

    // Limits of queues that operators have set, which win over those above.
    void set_queue_slots(std::map<std::string, int> slots);

    // How many jobs a claim may take now: free slots and prefetch, less what waits.
    [[nodiscard]] int room() const;
    // The same for each queue with a limit of its own.
    [[nodiscard]] std::map<std::string, int> own_room() const;
    // The same for one queue.
    [[nodiscard]] int room(const std::string& queue) const;

    // Takes in claimed jobs and returns those to start now; the others wait.
    [[nodiscard]] std::vector<ClaimedJob> admit(std::int64_t batch, std::vector<ClaimedJob> jobs);
    // A job's runner has reported: returns the job, unless it is not held any more, and frees its slot.
    [[nodiscard]] std::optional<ClaimedJob> ended(const ClaimToken& token);
    // Waiting jobs for which there is a slot by now.
    [[nodiscard]] std::vector<ClaimedJob> next();
    // Settled, or no longer ours. Returns the numbers of batches that are empty with that.
    [[nodiscard]] std::vector<std::int64_t> settled(const std::vector<ClaimToken>& tokens);
    // Takes all waiting jobs off the board's list; they count as settling.
    [[nodiscard]] std::vector<ClaimedJob> take_waiting();
    // Forgets everything held by that worker identity: its lease is lost.
    void forget(WorkerId worker);

    [[nodiscard]] int slots() const;
    [[nodiscard]] int running() const;
    // Waiting, running or settling.
    [[nodiscard]] int held() const;
    [[nodiscard]] bool has_run_longer_than(Clock::duration length) const;
    [[nodiscard]] std::optional<ClaimedJob> find(JobId id) const;

private:
    enum class Stage { waiting, running, settling };
    struct Entry {
        ClaimedJob job;
        std::int64_t batch;
        Stage stage;
        Clock::time_point started;
    };

    [[nodiscard]] int prefetch() const;
    [[nodiscard]] bool fits(const std::string& queue) const;
    [[nodiscard]] std::optional<int> slots_of(const std::string& queue) const;
    [[nodiscard]] int own_room(const std::string& queue, int slots) const;
    void start(Entry& entry);
    void free_slot(const Entry& entry);
    void note_run(Clock::duration length);

    mutable std::mutex mutex_;
    Limits limits_;
    std::map<std::string, int> operators_slots_;
    std::unordered_map<JobId, Entry> entries_;
    std::deque<JobId> waiting_;
    std::map<std::int64_t, int> batches_; // jobs not settled yet
    std::map<std::string, int> running_by_queue_;
    int running_ = 0;
    std::optional<double> run_seconds_; // of one job, smoothed: what a prefetch may be
};

} // namespace jobrunner
