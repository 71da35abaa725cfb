#pragma once

#include "core/duration.hpp"

#include <vector>

namespace jobrunner {

// How long a failed job waits before its next attempt: exponential backoff with jitter.
struct RetryPolicy {
    Milliseconds base{5'000};
    double factor = 2.0;
    Milliseconds cap{std::chrono::hours{6}};
    double jitter = 0.1; // share of the delay, spread evenly to both sides; in [0, 1]
};

// The wait after failed attempt number `attempt` (the first is 1): base × factor^(attempt-1), at
// most cap, moved by up to ±jitter. `random` is uniform in [0, 1); 0.5 means no jitter.
[[nodiscard]] Milliseconds retry_delay(const RetryPolicy& policy, int attempt, double random);

// The waits after attempts 1, 2, … without jitter, up to the first that equals the cap (or 64):
// the last one stands for all later attempts. Published with the kind.
[[nodiscard]] std::vector<Milliseconds> retry_delays(const RetryPolicy& policy);

} // namespace jobrunner
