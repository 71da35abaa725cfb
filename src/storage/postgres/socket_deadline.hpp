#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

namespace jobrunner::postgres {

// Shuts a socket down when a call on it takes too long, so that no call can hang for ever: a COMMIT
// that waits for a standby that is gone must not be cancelled (the server would report success), but the
// client can walk away from it.
//
// Threads: arm and disarm from the one thread that uses the connection. Costs no wake-up per call.
class SocketDeadline {
public:
    SocketDeadline();

    // From now until disarm(), `socket` is shut down once `at_most` has passed. The socket stays owned by the caller.
    void arm(int socket, std::chrono::milliseconds at_most);
    // Returns whether the deadline had passed, and the socket was shut down.
    bool disarm();

private:
    using Clock = std::chrono::steady_clock;

    void watch(const std::stop_token& stop);

    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::optional<Clock::time_point> deadline_;
    int socket_ = -1;
    bool passed_ = false;
    bool asleep_ = false; // the watcher waits without an end
    std::jthread watcher_;
};

} // namespace jobrunner::postgres
