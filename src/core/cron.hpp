#pragma once

#include <bitset>
#include <chrono>
#include <optional>
#include <string_view>

namespace jobrunner {

// The fields of a cron expression: which clock times it means, wherever the clock stands.
//
// Where both the day of the month and the weekday are restricted, a day that fits either one counts, as in every cron.
struct CronFields {
    std::bitset<60> seconds;
    std::bitset<60> minutes;
    std::bitset<24> hours;
    std::bitset<32> days;    // 1 to 31
    std::bitset<13> months;  // 1 to 12
    std::bitset<7> weekdays; // 0 is Sunday
    bool any_day = true;
    bool any_weekday = true;

    [[nodiscard]] bool is_on(std::chrono::local_days day) const;
    // The first time that fits in [from, until).
    [[nodiscard]] std::optional<std::chrono::local_seconds> next(
        std::chrono::local_seconds from, std::chrono::local_seconds until) const;
};

// Reads five fields (minute, hour, day of the month, month, weekday) or six (a second before them). A field is *, a
// number, a range, or either with a /step, and any number of those with commas; ? is *, months and weekdays have
// English names of three letters, Sunday is 0 or 7.
// Throws Error{usage} that names the field, or says that no day ever fits.
[[nodiscard]] CronFields parse_cron(std::string_view text);

} // namespace jobrunner
