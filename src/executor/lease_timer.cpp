#include "executor/lease_timer.hpp"

#include <sys/timerfd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace jobrunner {

LeaseTimer::LeaseTimer() : timer_(::timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK))
{
    if (!timer_)
        throw std::system_error(errno, std::generic_category(), "timerfd_create");
}

void LeaseTimer::set(BootClock::time_point until)
{
    // Zero would disarm the timer, and a time that is not positive has passed long ago.
    until_ = std::max(until, BootClock::time_point(std::chrono::nanoseconds(1)));
    const auto whole = std::chrono::floor<std::chrono::seconds>(until_->time_since_epoch());
    itimerspec when{};
    when.it_value.tv_sec = whole.count();
    when.it_value.tv_nsec = (until_->time_since_epoch() - whole).count();
    if (::timerfd_settime(timer_.get(), TFD_TIMER_ABSTIME, &when, nullptr) != 0)
        throw std::system_error(errno, std::generic_category(), "timerfd_settime");
}

void LeaseTimer::acknowledge() const
{
    std::uint64_t expirations = 0;
    [[maybe_unused]] const ssize_t size = ::read(timer_.get(), &expirations, sizeof(expirations));
}

} // namespace jobrunner
