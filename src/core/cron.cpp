#include "core/cron.hpp"

#include "core/error.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <string>
#include <vector>

namespace jobrunner {
namespace {

using namespace std::chrono;

constexpr std::array<std::string_view, 12> month_names{
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 7> weekday_names{"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

struct FieldKind {
    std::string_view name;
    int least;
    int most;
    std::span<const std::string_view> words{};
    int first_word = 0; // what the first of the words stands for
};

const std::array<FieldKind, 6> field_kinds{{{"second", 0, 59}, {"minute", 0, 59}, {"hour", 0, 23},
    {"day of the month", 1, 31}, {"month", 1, 12, month_names, 1}, {"weekday", 0, 7, weekday_names, 0}}};

std::vector<std::string_view> split(std::string_view text, std::string_view separators)
{
    std::vector<std::string_view> parts;
    for (std::size_t begin = 0; begin <= text.size();) {
        const auto end = std::min(text.find_first_of(separators, begin), text.size());
        parts.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return parts;
}

// One field: the values that it allows, as a mask.
class FieldReader {
public:
    FieldReader(const FieldKind& kind, std::string_view text) : kind_(kind), text_(text) {}

    [[nodiscard]] std::bitset<64> read() const
    {
        std::bitset<64> values;
        for (const auto part : split(text_, ",")) {
            values |= read_part(part);
        }
        return values;
    }

private:
    [[nodiscard]] std::bitset<64> read_part(std::string_view part) const
    {
        const auto slash = part.find('/');
        const auto range = part.substr(0, slash);
        const int step = slash == std::string_view::npos ? 1 : number(part.substr(slash + 1));
        if (step < 1) {
            wrong();
        }
        const auto dash = range.find('-');
        int low = kind_.least;
        int high = kind_.most;
        if (range == "*" || range == "?") {
            high = kind_.name == "weekday" ? 6 : high;
        } else if (dash != std::string_view::npos) {
            low = value(range.substr(0, dash));
            high = value(range.substr(dash + 1));
        } else {
            low = value(range);
            high = slash == std::string_view::npos ? low : kind_.most;
        }
        if (low > high) {
            wrong();
        }
        std::bitset<64> values;
        for (int each = low; each <= high; each += step) {
            values.set(static_cast<std::size_t>(each));
        }
        return values;
    }

    [[nodiscard]] int value(std::string_view text) const
    {
        std::string lower(text);
        std::ranges::transform(lower, lower.begin(),
            [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
        const auto word = std::ranges::find(kind_.words, std::string_view(lower));
        const int read = word != kind_.words.end()
            ? static_cast<int>(word - kind_.words.begin()) + kind_.first_word
            : number(text);
        if (read < kind_.least || read > kind_.most) {
            wrong();
        }
        return read;
    }

    [[nodiscard]] int number(std::string_view text) const
    {
        int read = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), read);
        if (error != std::errc{} || end != text.data() + text.size() || text.front() == '-') {
            wrong();
        }
        return read;
    }

    [[noreturn]] void wrong() const
    {
        throw Error(ErrorKind::usage,
            "the " + std::string(kind_.name) + " is \"" + std::string(text_) + "\"; *, or numbers of " +
                std::to_string(kind_.least) + " to " + std::to_string(kind_.most) +
                (kind_.words.empty() ? "" : " or names") + " with - , / between them were expected");
    }

    const FieldKind& kind_;
    std::string_view text_;
};

template <std::size_t N>
std::bitset<N> narrowed(const std::bitset<64>& values)
{
    return std::bitset<N>(values.to_ullong());
}

void refuse_impossible(const CronFields& fields)
{
    constexpr std::array<std::size_t, 13> longest{0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (!fields.any_weekday) {
        return; // Every month has every weekday.
    }
    for (std::size_t month = 1; month <= 12; ++month) {
        for (std::size_t day = 1; fields.months[month] && day <= longest[month]; ++day) {
            if (fields.days[day]) {
                return;
            }
        }
    }
    throw Error(ErrorKind::usage, "no month that it names has such a day, so it would never run");
}

template <std::size_t N>
std::optional<int> first_from(const std::bitset<N>& values, int from)
{
    for (int each = from; each < static_cast<int>(N); ++each) {
        if (values[static_cast<std::size_t>(each)]) {
            return each;
        }
    }
    return std::nullopt;
}

// The first time of a day from `from` on that fits.
std::optional<seconds> next_in_day(const CronFields& fields, seconds from)
{
    const hh_mm_ss time(from);
    const int hour = static_cast<int>(time.hours().count());
    const int minute = static_cast<int>(time.minutes().count());
    const auto first_second = *first_from(fields.seconds, 0);
    const auto first_minute = *first_from(fields.minutes, 0);
    if (fields.hours[static_cast<std::size_t>(hour)]) {
        if (fields.minutes[static_cast<std::size_t>(minute)]) {
            if (const auto second = first_from(fields.seconds, static_cast<int>(time.seconds().count()))) {
                return hours(hour) + minutes(minute) + seconds(*second);
            }
        }
        if (const auto later = first_from(fields.minutes, minute + 1)) {
            return hours(hour) + minutes(*later) + seconds(first_second);
        }
    }
    if (const auto later = first_from(fields.hours, hour + 1)) {
        return hours(*later) + minutes(first_minute) + seconds(first_second);
    }
    return std::nullopt;
}

} // namespace

bool CronFields::is_on(local_days day) const
{
    const year_month_day date(day);
    if (!months[static_cast<unsigned>(date.month())]) {
        return false;
    }
    const bool in_month = days[static_cast<unsigned>(date.day())];
    const bool in_week = weekdays[weekday(day).c_encoding()];
    return any_day || any_weekday ? in_month && in_week : in_month || in_week;
}

std::optional<local_seconds> CronFields::next(local_seconds from, local_seconds until) const
{
    while (from < until) {
        const auto day = floor<std::chrono::days>(from);
        if (is_on(day)) {
            if (const auto time = next_in_day(*this, from - day)) {
                return day + *time < until ? std::optional(day + *time) : std::nullopt;
            }
        }
        from = day + std::chrono::days(1);
    }
    return std::nullopt;
}

CronFields parse_cron(std::string_view text)
{
    std::vector<std::string_view> parts;
    for (const auto part : split(text, " \t")) {
        if (!part.empty()) {
            parts.push_back(part);
        }
    }
    if (parts.size() != 5 && parts.size() != 6) {
        throw Error(ErrorKind::usage,
            "it has " + std::to_string(parts.size()) + (parts.size() == 1 ? " field" : " fields") +
                "; five were expected (minute, hour, day of the month, month, weekday), or six with a second "
                "first");
    }
    if (parts.size() == 5) {
        parts.insert(parts.begin(), "0");
    }
    const auto read = [&](std::size_t field) { return FieldReader(field_kinds[field], parts[field]).read(); };
    CronFields fields;
    fields.seconds = narrowed<60>(read(0));
    fields.minutes = narrowed<60>(read(1));
    fields.hours = narrowed<24>(read(2));
    fields.days = narrowed<32>(read(3));
    fields.months = narrowed<13>(read(4));
    auto weekdays = read(5);
    weekdays[0] = weekdays[0] || weekdays[7];
    weekdays.reset(7);
    fields.weekdays = narrowed<7>(weekdays);
    fields.any_day = parts[3].front() == '*' || parts[3].front() == '?';
    fields.any_weekday = parts[5].front() == '*' || parts[5].front() == '?';
    refuse_impossible(fields);
    return fields;
}

} // namespace jobrunner
