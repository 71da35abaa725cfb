#pragma once

#include "storage/storage.hpp"

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace jobrunner {

// A few connections that many requests share: each is opened when it is first needed, and used by one thread at a time.
// Thread-safe. Leases must not outlive it.
class StoragePool {
public:
    using Open = std::function<std::shared_ptr<Storage>()>;

    StoragePool(Open open, std::size_t size) : open_(std::move(open)), left_to_open_(size) {}

    // A connection for as long as the object lives.
    class Lease {
    public:
        Lease(StoragePool& pool, std::shared_ptr<Storage> storage)
            : pool_(&pool), storage_(std::move(storage))
        {
        }
        Lease(const Lease&) = delete;
        Lease& operator=(const Lease&) = delete;
        ~Lease() { pool_->give_back(std::move(storage_)); }

        Storage& operator*() const { return *storage_; }
        Storage* operator->() const { return storage_.get(); }

    private:
        StoragePool* pool_;
        std::shared_ptr<Storage> storage_;
    };

    // Throws Error{unreachable} when none is free within a few seconds, or none can be opened.
    [[nodiscard]] Lease take();

private:
    void give_back(std::shared_ptr<Storage> storage);

    Open open_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::shared_ptr<Storage>> free_;
    std::size_t left_to_open_;
};

} // namespace jobrunner
