#pragma once

#include "executor/supervisor_protocol.hpp"

#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <utility>

namespace jobrunner {

// Finds what a user's processes run with. Asks the system again when an answer is a minute old.
//
// Threads: thread-safe. May wait for the system's user database.
class UserLookup {
public:
    static constexpr std::chrono::seconds kept_for{60};

    // `name` is a name or a number. None if there is no such user.
    [[nodiscard]] std::optional<Credentials> find(const std::string& name);

private:
    using Clock = std::chrono::steady_clock;

    std::mutex mutex_;
    std::map<std::string, std::pair<Clock::time_point, Credentials>> known_;
};

} // namespace jobrunner
