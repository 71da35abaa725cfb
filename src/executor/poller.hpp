#pragma once

#include "executor/descriptor.hpp"

#include <sys/epoll.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>

namespace jobrunner {

// An epoll instance. A tag comes back with each event of its descriptor. Throws std::system_error.
class Poller {
public:
    // Events of one wait(): so many that others get their turn soon.
    static constexpr std::size_t events_max = 64;

    Poller();

    void add(int descriptor, void* tag, std::uint32_t events = EPOLLIN);
    void change(int descriptor, void* tag, std::uint32_t events);
    void remove(int descriptor);

    // Waits until something is ready, at most for `limit`, rounded up to milliseconds.
    [[nodiscard]] std::span<const epoll_event> wait(std::optional<std::chrono::nanoseconds> limit);

private:
    Descriptor epoll_;
    std::array<epoll_event, events_max> events_{};
};

} // namespace jobrunner
