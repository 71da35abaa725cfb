// What the SQLite backend decides without a file.

#include "storage/sqlite/busy_wait.hpp"
#include "storage/sqlite/journal_mode.hpp"

#include <doctest/doctest.h>

using namespace jobrunner::sqlite;
using namespace std::chrono_literals;

TEST_CASE("journal mode: WAL is safe only from the repair of the WAL reset on, in each branch that has it")
{
    for (const int safe : {3051003, 3051004, 3052000, 3060000, 4000000, 3050007, 3050010, 3044006, 3044999}) {
        CAPTURE(safe);
        CHECK(is_wal_safe(safe));
    }
    for (const int unsafe :
        {3007000, 3040001, 3044005, 3045000, 3046001, 3049002, 3050006, 3051000, 3051002}) {
        CAPTURE(unsafe);
        CHECK_FALSE(is_wal_safe(unsafe));
    }
}

TEST_CASE("busy pause: grows with the wait up to a bound, and is short for who has waited long")
{
    CHECK(busy_pause(0us, 0.5) == shortest_pause);
    CHECK(busy_pause(16ms, 0.5) == 2ms);
    CHECK(busy_pause(old_age - 1us, 0.5) == longest_pause);
    CHECK(busy_pause(old_age, 0.5) == old_age_pause);
    CHECK(busy_pause(1h, 0.5) == old_age_pause);
}

TEST_CASE("busy pause: is spread by half to either side")
{
    CHECK(busy_pause(16ms, 0.0) == 1ms);
    CHECK(busy_pause(16ms, 0.999) > 2900us);
    CHECK(busy_pause(16ms, 0.999) < 3ms);
}

TEST_CASE("busy wait: ends at the call's deadline")
{
    BusyWait wait;
    const auto begin = std::chrono::steady_clock::now();
    wait.start(20ms);

    int tries = 0;
    while (wait.pause(tries)) {
        ++tries;
    }

    CHECK(tries > 0);
    CHECK(std::chrono::steady_clock::now() - begin >= 20ms);
}
