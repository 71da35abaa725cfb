#include "web/storage_pool.hpp"

#include "core/error.hpp"

namespace jobrunner {

StoragePool::Lease StoragePool::take()
{
    constexpr std::chrono::seconds wait_max{10};
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, wait_max, [&] { return !free_.empty() || left_to_open_ > 0; })) {
        throw Error(ErrorKind::unreachable, "all connections to the database are busy; try again later");
    }
    if (!free_.empty()) {
        auto storage = std::move(free_.back());
        free_.pop_back();
        return {*this, std::move(storage)};
    }
    --left_to_open_;
    lock.unlock();
    try {
        return {*this, open_()};
    } catch (...) {
        lock.lock();
        ++left_to_open_;
        changed_.notify_one();
        throw;
    }
}

void StoragePool::give_back(std::shared_ptr<Storage> storage)
{
    const std::lock_guard lock(mutex_);
    free_.push_back(std::move(storage));
    changed_.notify_one();
}

} // namespace jobrunner
