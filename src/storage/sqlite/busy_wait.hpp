#pragma once

#include <chrono>
#include <random>

namespace jobrunner::sqlite {

// How long to pause before asking again for a file that another connection holds. SQLite keeps no queue of those who
// wait, so waiting has to be made fair here: pauses grow with the time waited, to spare the processor, until `old_age`;
// from then on they are short, so that who has waited long asks more often than newcomers. `random` in [0, 1)
// spreads them by half to either side.
[[nodiscard]] std::chrono::microseconds busy_pause(std::chrono::microseconds waited, double random);

inline constexpr std::chrono::microseconds shortest_pause{200};
inline constexpr std::chrono::microseconds longest_pause{5'000};
inline constexpr std::chrono::microseconds old_age_pause{500};
inline constexpr std::chrono::microseconds old_age{200'000};

// The patience of one call: pauses between tries until its deadline.
class BusyWait {
public:
    using Clock = std::chrono::steady_clock;

    // Starts a call that may take `at_most`.
    void start(std::chrono::milliseconds at_most);
    // Pauses before try number `tries` (from 0) of one lock. False: the call's time is over.
    [[nodiscard]] bool pause(int tries);

private:
    Clock::time_point deadline_{};
    Clock::time_point waiting_since_{};
    std::minstd_rand random_{std::random_device{}()};
};

} // namespace jobrunner::sqlite
