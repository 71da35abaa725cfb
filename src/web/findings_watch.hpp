#pragma once

#include "storage/storage.hpp"

#include <chrono>
#include <vector>

namespace jobrunner {

// What `jobrunner doctor` finds, looked for every five minutes, and no more often than makes it a hundredth of the time.
// For one thread.
class FindingsWatch {
public:
    // Those of now, or of the last time that was due. Throws nothing: that it could not look is a finding, and the page goes on.
    [[nodiscard]] const std::vector<Finding>& look(Storage& storage);

private:
    using Clock = std::chrono::steady_clock;

    std::vector<Finding> findings_;
    Clock::time_point due_at_ = Clock::time_point::min();
};

} // namespace jobrunner
