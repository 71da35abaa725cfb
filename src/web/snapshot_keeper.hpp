#pragma once

#include "web/snapshot.hpp"

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace jobrunner {

using SnapshotPtr = std::shared_ptr<const Snapshot>;

// Reads snapshots in a thread of its own: every two seconds while somebody looks, but never for more than a tenth of
// the time, so that a database in which counting is slow is not kept busy by it; every few minutes else.
//
// Thread-safe.
class SnapshotKeeper {
public:
    // `read` is called by the keeper's thread alone and may throw Error, which becomes part of the snapshot. The time
    // is that of the host, for people.
    SnapshotKeeper(std::function<Snapshot()> read, std::function<TimePoint()> now);
    SnapshotKeeper(const SnapshotKeeper&) = delete;
    SnapshotKeeper& operator=(const SnapshotKeeper&) = delete;
    ~SnapshotKeeper();

    // The last one, a few seconds old at most if reading takes no longer. Null if none comes within ten seconds.
    [[nodiscard]] SnapshotPtr current();
    // The first one behind that version; null if there is none within `at_most`, or the keeper was stopped.
    [[nodiscard]] SnapshotPtr after(std::uint64_t version, Milliseconds at_most);
    // Reads anew at once: something was changed.
    void hurry();
    // Wakes all who wait; nothing is read any more.
    void stop();

private:
    using Clock = std::chrono::steady_clock;

    void run();
    void read_one(std::unique_lock<std::mutex>& lock);

    std::function<Snapshot()> read_;
    std::function<TimePoint()> now_;
    std::mutex mutex_;
    std::condition_variable changed_;
    SnapshotPtr last_;
    Clock::time_point read_at_;
    Clock::time_point next_at_;
    Clock::time_point wanted_until_;
    bool stopped_ = false;
    std::jthread thread_; // the last member: it uses the others
};

} // namespace jobrunner
