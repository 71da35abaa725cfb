#include "storage/postgres/socket_deadline.hpp"

#include <sys/socket.h>

namespace jobrunner::postgres {

SocketDeadline::SocketDeadline() : watcher_([this](const std::stop_token& stop) { watch(stop); }) {}

void SocketDeadline::arm(int socket, std::chrono::milliseconds at_most)
{
    const std::lock_guard lock(mutex_);
    deadline_ = Clock::now() + at_most;
    socket_ = socket;
    passed_ = false;
    if (asleep_) {
        changed_.notify_one();
    }
}

bool SocketDeadline::disarm()
{
    // The watcher finds out when the old deadline passes: no wake-up now.
    const std::lock_guard lock(mutex_);
    deadline_.reset();
    socket_ = -1;
    return passed_;
}

void SocketDeadline::watch(const std::stop_token& stop)
{
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
        if (!deadline_) {
            asleep_ = true;
            changed_.wait(lock, stop, [this] { return deadline_.has_value(); });
            asleep_ = false;
            continue;
        }
        const auto until = *deadline_;
        changed_.wait_until(lock, stop, until, [] { return false; });
        if (deadline_ && *deadline_ <= Clock::now()) {
            ::shutdown(socket_, SHUT_RDWR);
            passed_ = true;
            deadline_.reset();
        }
    }
}

} // namespace jobrunner::postgres
