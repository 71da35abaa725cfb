#pragma once

#include <random>

namespace jobrunner {

// From 0 up to, but not, 1. Any thread.
[[nodiscard]] inline double random_share()
{
    thread_local std::mt19937 random(std::random_device{}());
    return std::uniform_real_distribution<double>(0.0, 1.0)(random);
}

} // namespace jobrunner
