#include "core/retry.hpp"

#include <algorithm>
#include <cmath>

namespace jobrunner {
namespace {

double plain_delay(const RetryPolicy& policy, int attempt)
{
    const double grown =
        static_cast<double>(policy.base.count()) * std::pow(policy.factor, std::max(attempt, 1) - 1);
    return std::min(grown, static_cast<double>(policy.cap.count()));
}

} // namespace

Milliseconds retry_delay(const RetryPolicy& policy, int attempt, double random)
{
    const double spread = 1.0 + policy.jitter * (2.0 * random - 1.0);
    return Milliseconds(std::llround(plain_delay(policy, attempt) * spread));
}

std::vector<Milliseconds> retry_delays(const RetryPolicy& policy)
{
    constexpr int most = 64;
    std::vector<Milliseconds> delays;
    for (int attempt = 1; attempt <= most; ++attempt) {
        delays.push_back(retry_delay(policy, attempt, 0.5));
        if (delays.back() >= policy.cap) {
            break;
        }
    }
    return delays;
}

} // namespace jobrunner
