#include "worker/storage_loop.hpp"

#include "worker/worker_log.hpp"

#include <algorithm>
#include <random>

namespace jobrunner {

std::chrono::milliseconds Backoff::next()
{
    thread_local std::minstd_rand random(std::random_device{}());
    const int longest = std::min(100 << std::min(step_++, 6), 5'000);
    return std::chrono::milliseconds(std::uniform_int_distribution(longest / 2, longest)(random));
}

Storage& StorageHolder::get()
{
    if (!storage_) {
        storage_ = open_();
    }
    return *storage_;
}

std::chrono::milliseconds StorageHolder::failed(const Error& error)
{
    if (error.kind() == ErrorKind::outdated || error.kind() == ErrorKind::usage) {
        throw error;
    }
    if (!away_) {
        spdlog::warn("database_away user={} error={}", user_, log_value(error.what()));
    }
    away_ = true;
    connected_ = false;
    return backoff_.next();
}

void StorageHolder::worked()
{
    if (away_) {
        spdlog::info("database_back user={}", user_);
        ++reconnections_;
    }
    away_ = false;
    connected_ = true;
    backoff_.reset();
}

void Pause::nudge()
{
    const std::lock_guard lock(mutex_);
    nudged_ = true;
    changed_.notify_all();
}

bool Pause::wait(const std::stop_token& stop, std::chrono::milliseconds at_most)
{
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, stop, at_most, [this] { return nudged_; });
    return std::exchange(nudged_, false);
}

} // namespace jobrunner
