#pragma once

#include "core/error.hpp"
#include "core/worker_figures.hpp"
#include "storage/storage.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>

namespace jobrunner {

using OpenStorage = std::function<std::unique_ptr<Storage>()>;

// Waits that grow while a database is away: 100 ms up to 5 s, with jitter so that a fleet does not come back at once.
class Backoff {
public:
    void reset() { step_ = 0; }
    [[nodiscard]] std::chrono::milliseconds next();

private:
    int step_ = 0;
};

// One thread's storage: opened when first used and, after it was lost, again. Logs once when it goes and when it is back.
//
// Threads: not thread-safe, but for figures().
class StorageHolder {
public:
    StorageHolder(OpenStorage open, std::string user) : open_(std::move(open)), user_(std::move(user)) {}

    // Throws Error like open_storage.
    [[nodiscard]] Storage& get();
    // Takes note of an error. Returns how long to wait before trying again; rethrows what waiting does not mend.
    [[nodiscard]] std::chrono::milliseconds failed(const Error& error);
    void worked();
    [[nodiscard]] ConnectionFigures figures() const { return {user_, connected_, reconnections_}; }

private:
    OpenStorage open_;
    std::string user_; // for the log
    std::unique_ptr<Storage> storage_;
    Backoff backoff_;
    bool away_ = false;
    std::atomic<bool> connected_{false};
    std::atomic<std::int64_t> reconnections_{0};
};

// A pause that ends early when somebody nudges or stop is requested.
class Pause {
public:
    void nudge();
    // Returns whether it was nudged.
    bool wait(const std::stop_token& stop, std::chrono::milliseconds at_most);

private:
    std::mutex mutex_;
    std::condition_variable_any changed_;
    bool nudged_ = false;
};

} // namespace jobrunner
