#include "executor/poller.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace jobrunner {

namespace {

// A wait may end early, so it need not be longer than this.
constexpr std::chrono::milliseconds wait_max = std::chrono::hours(1);

void control(int epoll, int operation, int descriptor, void* tag, std::uint32_t events)
{
    epoll_event event{};
    event.events = events;
    event.data.ptr = tag;
    if (::epoll_ctl(epoll, operation, descriptor, &event) != 0)
        throw std::system_error(errno, std::generic_category(), "epoll_ctl");
}

int in_milliseconds(std::optional<std::chrono::nanoseconds> limit)
{
    if (!limit)
        return -1;
    const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(*limit);
    return static_cast<int>(std::clamp(milliseconds, std::chrono::milliseconds(0), wait_max).count());
}

} // namespace

Poller::Poller() : epoll_(::epoll_create1(EPOLL_CLOEXEC))
{
    if (!epoll_)
        throw std::system_error(errno, std::generic_category(), "epoll_create1");
}

void Poller::add(int descriptor, void* tag, std::uint32_t events)
{
    control(epoll_.get(), EPOLL_CTL_ADD, descriptor, tag, events);
}

void Poller::change(int descriptor, void* tag, std::uint32_t events)
{
    control(epoll_.get(), EPOLL_CTL_MOD, descriptor, tag, events);
}

void Poller::remove(int descriptor)
{
    control(epoll_.get(), EPOLL_CTL_DEL, descriptor, nullptr, 0);
}

std::span<const epoll_event> Poller::wait(std::optional<std::chrono::nanoseconds> limit)
{
    const int count =
        ::epoll_wait(epoll_.get(), events_.data(), static_cast<int>(events_.size()), in_milliseconds(limit));
    if (count < 0 && errno != EINTR)
        throw std::system_error(errno, std::generic_category(), "epoll_wait");
    return std::span(events_).first(static_cast<std::size_t>(std::max(count, 0)));
}

} // namespace jobrunner
