#include "core/schedule_words.hpp"

#include <array>
#include <cstdio>
#include <string_view>
#include <vector>

namespace jobrunner {
namespace {

constexpr std::array<std::string_view, 13> month_words{"", "January", "February", "March", "April", "May",
    "June", "July", "August", "September", "October", "November", "December"};
constexpr std::array<std::string_view, 7> weekday_words{
    "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};

template <std::size_t N>
std::vector<int> values_of(const std::bitset<N>& set)
{
    std::vector<int> values;
    for (std::size_t i = 0; i < N; ++i) {
        if (set[i]) {
            values.push_back(static_cast<int>(i));
        }
    }
    return values;
}

std::string joined(const std::vector<std::string>& parts)
{
    std::string text;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        text += (i == 0 ? "" : i + 1 == parts.size() ? " and " : ", ") + parts[i];
    }
    return text;
}

// Numbers in a row are a range: 1, 2, 3, 7 are "1 to 3 and 7".
template <typename Word>
std::string listed(const std::vector<int>& values, Word word)
{
    std::vector<std::string> parts;
    for (std::size_t i = 0; i < values.size();) {
        std::size_t last = i;
        while (last + 1 < values.size() && values[last + 1] == values[last] + 1) {
            ++last;
        }
        if (last >= i + 2) {
            parts.push_back(word(values[i]) + " to " + word(values[last]));
            i = last + 1;
        } else {
            parts.push_back(word(values[i++]));
        }
    }
    return joined(parts);
}

std::string number_word(int value)
{
    return std::to_string(value);
}

std::string clock(int hour, int minute, std::optional<int> second = std::nullopt)
{
    std::array<char, 16> text{};
    std::snprintf(
        text.data(), text.size(), second ? "%02d:%02d:%02d" : "%02d:%02d", hour, minute, second.value_or(0));
    return text.data();
}

// n where the values are 0, n, 2n … up to the field's end.
template <std::size_t N>
std::optional<int> step_of(const std::bitset<N>& set)
{
    const auto values = values_of(set);
    const int step = values.size() > 1 ? values[1] : 0;
    if (values[0] != 0 || step == 0 || static_cast<int>(N) % step != 0 ||
        values.size() != N / static_cast<std::size_t>(step)) {
        return std::nullopt;
    }
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (values[i] != static_cast<int>(i) * step) {
            return std::nullopt;
        }
    }
    return step;
}

std::string every_unit(int count, std::string_view unit)
{
    return count == 1 ? "every " + std::string(unit)
                      : "every " + std::to_string(count) + " " + std::string(unit) + "s";
}

// Which days, as what stands after "on"; empty: every one.
std::string day_words(const CronFields& fields)
{
    const auto weekday = [](int day) { return std::string(weekday_words[static_cast<std::size_t>(day)]); };
    std::string text;
    if (fields.days.count() < 31) {
        text = "day " + listed(values_of(fields.days), number_word) + " of the month";
    }
    if (!fields.weekdays.all()) {
        text += (text.empty()                                  ? ""
                        : fields.any_day || fields.any_weekday ? " if a "
                                                               : " and on ") +
            listed(values_of(fields.weekdays), weekday);
    }
    return text;
}

std::string month_list(const CronFields& fields)
{
    if (fields.months.count() == 12) {
        return "";
    }
    return listed(values_of(fields.months),
        [](int month) { return std::string(month_words[static_cast<std::size_t>(month)]); });
}

// "every day", "every weekday", "on day 1 of the month in January": what comes before "at".
std::string days_before_time(const CronFields& fields)
{
    const auto days = day_words(fields);
    const auto months = month_list(fields);
    const bool only_week = fields.days.count() == 31;
    std::string text = days.empty() ? "every day" : only_week ? "every " + days : "on " + days;
    if (only_week && fields.weekdays == std::bitset<7>(0b0111110)) {
        text = "every weekday";
    }
    return text + (months.empty() ? "" : " in " + months);
}

// Up to six clock times, or nothing.
std::optional<std::string> clock_times(const CronFields& fields)
{
    constexpr std::size_t times_max = 6;
    if (fields.hours.count() * fields.minutes.count() * fields.seconds.count() > times_max) {
        return std::nullopt;
    }
    const bool whole_minutes = fields.seconds.count() == 1 && fields.seconds[0];
    std::vector<std::string> times;
    for (const int hour : values_of(fields.hours)) {
        for (const int minute : values_of(fields.minutes)) {
            for (const int second : values_of(fields.seconds)) {
                times.push_back(clock(hour, minute, whole_minutes ? std::nullopt : std::optional(second)));
            }
        }
    }
    return joined(times);
}

template <std::size_t N>
std::string unit_words(const std::bitset<N>& set, std::string_view unit)
{
    if (const auto step = set.all() ? std::optional(1) : step_of(set)) {
        return every_unit(*step, unit);
    }
    return "at " + std::string(unit) + " " + listed(values_of(set), number_word);
}

// "every 5 minutes", "every hour", "at minute 5 and 35 of every hour".
std::string pace(const CronFields& fields)
{
    const bool first_second = fields.seconds.count() == 1 && fields.seconds[0];
    const bool first_minute = fields.minutes.count() == 1 && fields.minutes[0];
    std::string text;
    if (!first_second) {
        text = unit_words(fields.seconds, "second");
        if (!fields.minutes.all()) {
            text += " of minute " + listed(values_of(fields.minutes), number_word);
        } else if (text.starts_with("at ")) {
            text += " of every minute";
        }
    } else if (!first_minute) {
        text = unit_words(fields.minutes, "minute");
    }
    if (fields.hours.all()) {
        return text.empty() ? "every hour" : text.starts_with("at minute") ? text + " of every hour" : text;
    }
    const auto hour_step = step_of(fields.hours);
    if (text.empty() && hour_step) {
        return every_unit(*hour_step, "hour");
    }
    const auto hours = listed(values_of(fields.hours), number_word);
    return (text.empty() ? "every hour" : text) + " of the hours " + hours;
}

} // namespace

std::string words_of(const CronFields& fields)
{
    if (const auto times = clock_times(fields)) {
        return days_before_time(fields) + " at " + *times;
    }
    const auto days = days_before_time(fields);
    if (days == "every day") {
        return pace(fields);
    }
    return pace(fields) + (days.starts_with("on ") ? " " : ", ") + days;
}

std::string words_of(std::chrono::seconds every)
{
    constexpr std::array<std::pair<int, std::string_view>, 3> units{
        {{86'400, "day"}, {3'600, "hour"}, {60, "minute"}}};
    for (const auto& [length, unit] : units) {
        if (every.count() % length == 0) {
            return every_unit(static_cast<int>(every.count() / length), unit);
        }
    }
    return every_unit(static_cast<int>(every.count()), "second");
}

} // namespace jobrunner
