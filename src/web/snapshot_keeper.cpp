#include "web/snapshot_keeper.hpp"

#include "core/error.hpp"

#include <algorithm>

namespace jobrunner {
namespace {

constexpr std::chrono::seconds pause{2};
constexpr std::chrono::seconds idle_pause{300};
constexpr std::chrono::seconds interest{30};
constexpr std::chrono::seconds first_wait{10};
constexpr int cost_share = 10;

} // namespace

SnapshotKeeper::SnapshotKeeper(std::function<Snapshot()> read, std::function<TimePoint()> now)
    : read_(std::move(read)), now_(std::move(now)), thread_([this] { run(); })
{
}

SnapshotKeeper::~SnapshotKeeper()
{
    stop();
}

void SnapshotKeeper::run()
{
    std::unique_lock lock(mutex_);
    while (!stopped_) {
        read_one(lock);
        const auto due = [&] {
            const auto now = Clock::now();
            return stopped_ || now >= next_at_ + (idle_pause - pause) ||
                (now >= next_at_ && now < wanted_until_);
        };
        while (!due()) {
            const bool wanted = Clock::now() < wanted_until_;
            changed_.wait_until(lock, wanted ? next_at_ : next_at_ + (idle_pause - pause));
        }
    }
}

void SnapshotKeeper::read_one(std::unique_lock<std::mutex>& lock)
{
    const auto last = last_;
    const auto begin = Clock::now();
    lock.unlock();
    Snapshot snapshot;
    try {
        snapshot = read_();
    } catch (const Error& error) {
        snapshot = last ? *last : Snapshot{};
        snapshot.error = error.what();
    }
    snapshot.version = (last ? last->version : 0) + 1;
    snapshot.taken_at = now_();
    lock.lock();
    read_at_ = Clock::now();
    next_at_ = read_at_ + std::max<Clock::duration>(pause, (read_at_ - begin) * cost_share);
    last_ = std::make_shared<const Snapshot>(std::move(snapshot));
    changed_.notify_all();
}

SnapshotPtr SnapshotKeeper::current()
{
    std::unique_lock lock(mutex_);
    wanted_until_ = Clock::now() + interest;
    changed_.notify_all();
    // One that was read while nobody looked is not shown; one that is due, or being read, still is.
    const auto is_fresh = [&] { return last_ && Clock::now() < next_at_ + interest; };
    changed_.wait_for(lock, first_wait, [&] { return stopped_ || is_fresh(); });
    return last_;
}

SnapshotPtr SnapshotKeeper::after(std::uint64_t version, Milliseconds at_most)
{
    std::unique_lock lock(mutex_);
    wanted_until_ = Clock::now() + interest;
    changed_.notify_all();
    const bool came =
        changed_.wait_for(lock, at_most, [&] { return stopped_ || (last_ && last_->version > version); });
    return came && !stopped_ ? last_ : nullptr;
}

void SnapshotKeeper::hurry()
{
    const std::lock_guard lock(mutex_);
    next_at_ = Clock::now();
    changed_.notify_all();
}

void SnapshotKeeper::stop()
{
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
}

} // namespace jobrunner
