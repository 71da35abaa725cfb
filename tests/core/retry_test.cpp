#include "core/retry.hpp"

#include <doctest/doctest.h>
#include <limits>

using namespace jobrunner;
using namespace std::chrono_literals;

TEST_CASE("retry: the wait grows by the factor up to the cap")
{
    const RetryPolicy policy{.base = 5s, .factor = 2.0, .cap = 30s, .jitter = 0.1};

    CHECK(retry_delay(policy, 1, 0.5) == 5s);
    CHECK(retry_delay(policy, 2, 0.5) == 10s);
    CHECK(retry_delay(policy, 3, 0.5) == 20s);
    CHECK(retry_delay(policy, 4, 0.5) == 30s);
    CHECK(retry_delay(policy, std::numeric_limits<int>::max(), 0.5) == 30s);
}

TEST_CASE("retry: jitter moves the wait to both sides by its share")
{
    const RetryPolicy policy{.base = 10s, .factor = 2.0, .cap = 1h, .jitter = 0.1};

    CHECK(retry_delay(policy, 1, 0.0) == 9s);
    CHECK(retry_delay(policy, 1, 0.25) == 9500ms);
    CHECK(retry_delay(policy, 1, 0.999999) == 11s);
}

TEST_CASE("retry: without jitter chance changes nothing")
{
    const RetryPolicy policy{.base = 10s, .factor = 2.0, .cap = 1h, .jitter = 0.0};

    CHECK(retry_delay(policy, 2, 0.0) == retry_delay(policy, 2, 0.9));
}

TEST_CASE("retry: an attempt below the first waits as the first")
{
    CHECK(retry_delay(RetryPolicy{}, 0, 0.5) == 5s);
    CHECK(retry_delay(RetryPolicy{}, -3, 0.5) == 5s);
}

TEST_CASE("retry: the published waits end at the cap")
{
    const RetryPolicy policy{.base = 1s, .factor = 10.0, .cap = 50s, .jitter = 0.5};

    CHECK(retry_delays(policy) == std::vector<Milliseconds>{1s, 10s, 50s});
}

TEST_CASE("retry: waits that never reach the cap are published up to a limit")
{
    const RetryPolicy policy{.base = 1s, .factor = 1.0, .cap = 1h, .jitter = 0.0};

    const auto delays = retry_delays(policy);

    CHECK(delays.size() == 64);
    CHECK(delays.back() == 1s);
}
