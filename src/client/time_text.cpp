#include "client/time_text.hpp"

#include "core/error.hpp"

#include <array>
#include <charconv>
#include <cstdio>
#include <ctime>

namespace jobrunner {
namespace {

using namespace std::chrono;

// Takes an ISO 8601 text apart from left to right. Every method says whether it found what it looked for.
class TimeReader {
public:
    explicit TimeReader(std::string_view text) : rest_(text) {}

    bool number(std::size_t digits, int least, int most, int& value)
    {
        const auto part = rest_.substr(0, digits);
        const auto [end, failure] = std::from_chars(part.data(), part.data() + part.size(), value);
        if (part.size() != digits || part.front() == '-' || failure != std::errc{} ||
            end != part.data() + digits || value < least || value > most) {
            return false;
        }
        rest_.remove_prefix(digits);
        return true;
    }

    bool one_of(std::string_view characters)
    {
        if (rest_.empty() || characters.find(rest_.front()) == std::string_view::npos) {
            return false;
        }
        taken_ = rest_.front();
        rest_.remove_prefix(1);
        return true;
    }

    bool fraction(int& thousandths)
    {
        std::size_t digits = 0;
        thousandths = 0;
        for (; digits < rest_.size() && rest_[digits] >= '0' && rest_[digits] <= '9'; ++digits) {
            thousandths = digits < 3 ? thousandths * 10 + (rest_[digits] - '0') : thousandths;
        }
        for (std::size_t i = digits; i < 3; ++i) {
            thousandths *= 10;
        }
        rest_.remove_prefix(digits);
        return digits > 0;
    }

    [[nodiscard]] char taken() const { return taken_; }
    [[nodiscard]] bool at_end() const { return rest_.empty(); }

private:
    std::string_view rest_;
    char taken_ = '\0';
};

struct WrittenTime {
    int year = 0;
    int month = 0;
    int day = 0;
    int hour = 0;
    int minute = 0;
    int second = 0;
    int thousandths = 0;
    std::optional<minutes> offset; // unset: local time
};

bool read_date(TimeReader& reader, WrittenTime& time)
{
    return reader.number(4, 1970, 9999, time.year) && reader.one_of("-") &&
        reader.number(2, 1, 12, time.month) && reader.one_of("-") && reader.number(2, 1, 31, time.day) &&
        year_month_day(
            year(time.year), month(static_cast<unsigned>(time.month)), day(static_cast<unsigned>(time.day)))
            .ok();
}

bool read_clock(TimeReader& reader, WrittenTime& time)
{
    if (!reader.number(2, 0, 23, time.hour) || !reader.one_of(":") || !reader.number(2, 0, 59, time.minute)) {
        return false;
    }
    if (!reader.one_of(":")) {
        return true;
    }
    return reader.number(2, 0, 59, time.second) &&
        (!reader.one_of(".,") || reader.fraction(time.thousandths));
}

bool read_offset(TimeReader& reader, WrittenTime& time)
{
    if (reader.one_of("Zz")) {
        time.offset = minutes(0);
        return true;
    }
    if (!reader.one_of("+-")) {
        return true;
    }
    const int sign = reader.taken() == '-' ? -1 : 1;
    int hours_part = 0;
    int minutes_part = 0;
    if (!reader.number(2, 0, 15, hours_part)) {
        return false;
    }
    const bool colon = reader.one_of(":");
    if ((colon || !reader.at_end()) && !reader.number(2, 0, 59, minutes_part)) {
        return false;
    }
    time.offset = minutes(sign * (hours_part * 60 + minutes_part));
    return true;
}

std::optional<WrittenTime> take_apart(std::string_view text)
{
    TimeReader reader(text);
    WrittenTime time;
    bool good = read_date(reader, time);
    if (good && reader.one_of("Tt ")) {
        good = read_clock(reader, time) && (reader.one_of(" ") || true) && read_offset(reader, time);
    }
    return good && reader.at_end() ? std::optional(time) : std::nullopt;
}

TimePoint as_utc(const WrittenTime& time)
{
    const sys_days date = year(time.year) / time.month / time.day;
    return date + hours(time.hour) + minutes(time.minute) + seconds(time.second) +
        milliseconds(time.thousandths);
}

TimePoint as_local(const WrittenTime& time)
{
    std::tm parts{};
    parts.tm_year = time.year - 1900;
    parts.tm_mon = time.month - 1;
    parts.tm_mday = time.day;
    parts.tm_hour = time.hour;
    parts.tm_min = time.minute;
    parts.tm_sec = time.second;
    parts.tm_isdst = -1;
    return TimePoint(seconds(std::mktime(&parts)) + milliseconds(time.thousandths));
}

std::optional<Instant> instant_of(std::string_view text)
{
    const auto time = take_apart(text);
    if (!time) {
        return std::nullopt;
    }
    return to_instant(time->offset ? as_utc(*time) - *time->offset : as_local(*time));
}

[[noreturn]] void refuse(std::string_view text, std::string_view name, const char* expected)
{
    throw Error(ErrorKind::usage,
        std::string(name) + ": is \"" + std::string(text) + "\"; " + expected + " was expected");
}

} // namespace

Instant read_instant(std::string_view text, std::string_view name)
{
    const auto instant = instant_of(text);
    if (!instant) {
        refuse(text, name, "a time such as 2026-01-31T09:00 or 2026-01-31T09:00:00Z");
    }
    return *instant;
}

InstantOrLength read_instant_or_length(std::string_view text, std::string_view name)
{
    if (const auto instant = instant_of(text)) {
        return *instant;
    }
    try {
        return parse_duration(text);
    } catch (const Error&) {
        refuse(text, name, "a time such as 2026-01-31T09:00, or a length of time such as 10m,");
    }
}

Milliseconds read_length(std::string_view text, std::string_view name)
{
    try {
        return parse_duration(text);
    } catch (const Error&) {
        refuse(text, name, "a length of time such as 30s, 5m, 1h30m or 7d");
    }
}

Instant to_instant(TimePoint time)
{
    const auto date = floor<days>(time);
    const year_month_day ymd{date};
    const hh_mm_ss clock{time - date};
    std::array<char, 48> text{};
    std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ",
        static_cast<int>(ymd.year()), static_cast<unsigned>(ymd.month()), static_cast<unsigned>(ymd.day()),
        static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
        static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
    return text.data();
}

std::optional<TimePoint> to_time_point(const Instant& instant)
{
    const auto time = take_apart(instant);
    return time && time->offset ? std::optional(as_utc(*time) - *time->offset) : std::nullopt;
}

} // namespace jobrunner
