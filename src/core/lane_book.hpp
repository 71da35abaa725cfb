#pragma once

#include "core/job.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace jobrunner {

// A lane is one queue at one priority: a run of the claim index, ordered by position.
struct Lane {
    std::string queue;
    int priority = 0;

    friend auto operator<=>(const Lane&, const Lane&) = default;
};

// A stretch of the claim index to look into: what lies above (low, low_position) and below high.
struct LaneRange {
    Lane low;
    std::int64_t low_position = 0;
    Lane high;
};

// The first runnable job in a range, and the last position in that job's lane.
struct LaneFound {
    Lane lane;
    std::int64_t first = 0;
    std::int64_t last = 0;
};

// One lane of a claim: jobs above `floor`, at most `limit` of them.
struct LaneClaim {
    Lane lane;
    std::int64_t floor = 0;
    int limit = 0;
};

// What one worker knows of the claim order, so that no claim walks what is behind it.
//
// Per lane it keeps a *floor*: the position up to which this worker has seen everything that it could claim. A claim
// that starts at its floor does not walk the dead index entries of jobs already taken, which vacuum cannot remove
// while any snapshot is held.
//
// Why no job is lost below a floor. A job takes a new position whenever it becomes runnable again, so jobs appear
// below a floor in three ways only: a transaction that took its position before the floor passed it and commits
// after; a claim by another worker that rolls back; a kind or label that this worker has learnt since. The
// last resets all floors. For the others the floor trails what has been read by `lag`, which covers ordinary
// commits, and a probe from the bottom finds the rest: it runs with every poll while it is cheap, and
// as often as a twentieth of the time allows while dead entries make it dear. A floor is thus never
// trusted for longer than that, however wrong it is.
//
// Threads: not thread-safe. Time: monotonic, given by the caller; core reads no clock.
class LaneBook {
public:
    using Time = std::chrono::steady_clock::time_point;

    // An empty list of queues means every queue.
    explicit LaneBook(std::vector<std::string> queues = {});

    // The stretches of the claim index that cover every lane of this worker's queues, known or not: above the
    // floors, or from the bottom.
    [[nodiscard]] std::vector<LaneRange> ranges(bool from_bottom) const;

    // Takes in what a probe found. Lowers the floor of a lane in which something stands below it.
    void learn(std::span<const LaneFound> found);

    // The lanes suspected to hold runnable jobs, at most `lanes_max` of them: by priority, then those first whose queues
    // have had the least of their share. Where several queues wait at one priority, each may take its share of `limit`.
    [[nodiscard]] std::vector<LaneClaim> claims(int limit);

    // Takes in what a claim returned for `asked`, of which it was to take `limit` in all: raises floors, and no
    // longer suspects lanes that gave less than they were asked for.
    void observe(std::span<const LaneClaim> asked, int limit, std::span<const ClaimedJob> claimed, Time now);

    // Without lanes every look covers everything from the bottom.
    [[nodiscard]] bool knows_lanes() const { return !lanes_.empty(); }

    // Leaves these queues out of everything; those that are no longer among them are looked at afresh.
    void set_paused(std::vector<std::string> queues);

    // What share each queue has beside others at the same priority; those that are not named have 1.
    void set_weights(std::map<std::string, int> weights) { weights_ = std::move(weights); }

    // Suspects the lanes that gave a job within the last `recent_for`: more most often come to one of them.
    void suspect_recent(Time now);

    // Forgets everything: kinds, labels or queues have changed.
    void reset(std::vector<std::string> queues);

    static constexpr std::chrono::milliseconds lag{100};
    static constexpr std::chrono::milliseconds recent_for{1000};
    static constexpr std::size_t lanes_max = 64;
    // Lanes that are remembered. Those beyond are forgotten, idle ones first, then the least urgent: a later probe
    // finds them again from the bottom.
    static constexpr std::size_t known_max = 1024;

private:
    struct Mark {
        Time at;
        std::int64_t position;
    };
    struct State {
        std::int64_t floor = 0;     // claims start above it
        std::int64_t last_seen = 0; // the lane's end at the last probe
        bool suspected = false;
        Time gave_at{};         // when a claim last took jobs from it
        std::deque<Mark> marks; // up to where was read, and when: the floor trails along them
    };

    void forget_surplus();
    [[nodiscard]] double weight_of(const std::string& queue) const;
    void share(std::vector<LaneClaim>& claims, int limit);
    static void raise_floor(State& state, std::int64_t read, Time now);

    [[nodiscard]] bool is_paused(const std::string& queue) const;

    std::vector<std::string> queues_; // sorted
    std::vector<std::string> paused_; // sorted
    std::map<Lane, State> lanes_;
    std::size_t turn_ = 0;
    std::map<std::string, int> weights_;
    // Jobs that each queue among the last claims has had, by its weight. One that comes back begins with the least that
    // another has had: what it did not ask for is not owed to it (start-time fair queueing, Goyal et al. 1996).
    std::map<std::string, double> had_;
};

} // namespace jobrunner
