#include "storage/sqlite/busy_wait.hpp"

#include <algorithm>
#include <thread>

namespace jobrunner::sqlite {

std::chrono::microseconds busy_pause(std::chrono::microseconds waited, double random)
{
    const auto pause =
        waited >= old_age ? old_age_pause : std::clamp(waited / 8, shortest_pause, longest_pause);
    return std::chrono::duration_cast<std::chrono::microseconds>(pause * (0.5 + random));
}

void BusyWait::start(std::chrono::milliseconds at_most)
{
    deadline_ = Clock::now() + at_most;
}

bool BusyWait::pause(int tries)
{
    const auto now = Clock::now();
    if (now >= deadline_) {
        return false;
    }
    if (tries == 0) {
        waiting_since_ = now;
    }
    const auto waited = std::chrono::duration_cast<std::chrono::microseconds>(now - waiting_since_);
    const double random = std::uniform_real_distribution<double>(0.0, 1.0)(random_);
    std::this_thread::sleep_until(std::min(now + busy_pause(waited, random), deadline_));
    return true;
}

} // namespace jobrunner::sqlite
