#include "core/schedule_expression.hpp"

#include "core/duration.hpp"
#include "core/error.hpp"
#include "core/schedule_words.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace jobrunner {
namespace {

using namespace std::chrono;

// Leap days are at most eight years apart.
constexpr hours horizon{24 * 3653};
// No zone's clocks were ever set by more than a day.
constexpr hours longest_change{48};

constexpr std::array<std::pair<std::string_view, std::string_view>, 7> macros{{{"@yearly", "0 0 1 1 *"},
    {"@annually", "0 0 1 1 *"}, {"@monthly", "0 0 1 * *"}, {"@weekly", "0 0 * * 0"}, {"@daily", "0 0 * * *"},
    {"@midnight", "0 0 * * *"}, {"@hourly", "0 * * * *"}}};

std::string_view trimmed(std::string_view text)
{
    constexpr std::string_view space = " \t";
    const auto begin = std::min(text.find_first_not_of(space), text.size());
    return text.substr(begin, text.find_last_not_of(space) + 1 - begin);
}

seconds read_every(std::string_view text)
{
    const auto length = parse_duration(trimmed(text));
    if (length < seconds(1) || length > hours(24 * 366) || length != floor<seconds>(length)) {
        throw Error(ErrorKind::usage,
            "the length is " + format_duration(length) + "; whole seconds from 1s to 366d were expected");
    }
    return floor<seconds>(length);
}

std::variant<CronFields, seconds> read(std::string_view text)
{
    constexpr std::string_view every = "@every";
    if (text.starts_with(every) && text.size() > every.size() &&
        trimmed(text.substr(every.size(), 1)).empty()) {
        return read_every(text.substr(every.size()));
    }
    if (!text.starts_with('@')) {
        return parse_cron(text);
    }
    const auto macro = std::ranges::find(macros, text, &std::pair<std::string_view, std::string_view>::first);
    if (macro == macros.end()) {
        throw Error(ErrorKind::usage,
            "@yearly, @monthly, @weekly, @daily, @hourly or @every with a length such as 90s was expected");
    }
    return parse_cron(macro->second);
}

// The latest local time that clocks showed before `period` began.
local_seconds shown_before(const ZonePeriod& period, const ZoneRules& zone)
{
    auto before = zone.period_at(period.begin - seconds(1));
    auto latest = before.local(before.end);
    while (before.begin > period.begin - longest_change) {
        before = zone.period_at(before.begin - seconds(1));
        latest = std::max(latest, before.local(before.end));
    }
    return latest;
}

std::optional<sys_seconds> next_of_fields(const CronFields& fields, sys_seconds after, const ZoneRules& zone)
{
    const bool elapsed = fields.hours.all();
    const auto last = after + horizon;
    for (auto period = zone.period_at(after); period.begin <= last; period = zone.period_at(period.end)) {
        auto from = period.local(std::max(after + seconds(1), period.begin));
        if (!elapsed && period.begin > after - hours(24 * 366 * 20)) {
            const auto shown = shown_before(period, zone);
            const bool is_ahead = period.begin > after;
            if (is_ahead && shown < period.local(period.begin) &&
                fields.next(shown, period.local(period.begin))) {
                return period.begin; // What the clocks skip counts at the change.
            }
            from = std::max(from, shown);
        }
        if (const auto found = fields.next(from, period.local(std::min(period.end, last)))) {
            return sys_seconds(found->time_since_epoch() - period.offset);
        }
        if (period.end > last) {
            break;
        }
    }
    return std::nullopt;
}

} // namespace

ScheduleExpression::ScheduleExpression(std::string_view text)
{
    try {
        when_ = read(trimmed(text));
    } catch (const Error& error) {
        throw Error(ErrorKind::usage, "\"" + std::string(text) + "\" is no time to run: " + error.what());
    }
}

std::optional<sys_seconds> ScheduleExpression::next(sys_seconds after, const ZoneRules& zone) const
{
    if (const auto* every = std::get_if<seconds>(&when_)) {
        const auto since = after.time_since_epoch();
        const auto rest = ((since % *every) + *every) % *every;
        return after - rest + *every;
    }
    return next_of_fields(std::get<CronFields>(when_), after, zone);
}

std::vector<sys_seconds> ScheduleExpression::last_between(
    sys_seconds from, sys_seconds until, const ZoneRules& zone, std::size_t at_most) const
{
    // Windows that grow tenfold: a long absence of a frequent schedule must not be walked through second by second.
    for (seconds window{60};; window *= 10) {
        const auto begin = until - from > window ? until - window : from;
        std::vector<sys_seconds> due;
        for (auto at = next(begin - seconds(1), zone); at && *at <= until; at = next(*at, zone)) {
            due.push_back(*at);
        }
        if (due.size() >= at_most || begin == from) {
            due.erase(due.begin(), due.end() - static_cast<std::ptrdiff_t>(std::min(due.size(), at_most)));
            return due;
        }
    }
}

std::string ScheduleExpression::words(std::string_view zone_name) const
{
    if (const auto* every = std::get_if<seconds>(&when_)) {
        return words_of(*every);
    }
    return words_of(std::get<CronFields>(when_)) + " " + std::string(zone_name);
}

} // namespace jobrunner
