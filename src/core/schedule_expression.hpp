#pragma once

#include "core/cron.hpp"
#include "core/time_zone.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace jobrunner {

// When a schedule is due: a cron expression on the clocks of a time zone, or a fixed length of time.
//
// Where clocks change, a local time that they skip counts at the change, once, and one that they show twice counts the
// first time. An expression that allows every hour follows elapsed time instead: it counts at each showing, and nothing
// is made up for. `@every` counts from 1970-01-01T00:00:00Z, so that every worker comes to the same times, whenever it
// was started.
class ScheduleExpression {
public:
    // Reads five or six fields as parse_cron() does, or @yearly, @annually, @monthly, @weekly, @daily, @midnight,
    // @hourly, or @every with a length of time of 1s to 366d in whole seconds.
    // Throws Error{usage} that quotes the text and says what was expected.
    explicit ScheduleExpression(std::string_view text);

    // The first due time after `after`. Nothing: none comes within ten years.
    [[nodiscard]] std::optional<std::chrono::sys_seconds> next(
        std::chrono::sys_seconds after, const ZoneRules& zone) const;
    // The last `at_most` due times in [from, until], oldest first.
    [[nodiscard]] std::vector<std::chrono::sys_seconds> last_between(std::chrono::sys_seconds from,
        std::chrono::sys_seconds until, const ZoneRules& zone, std::size_t at_most) const;
    // In English, with the zone's name: "every weekday at 09:00 Europe/Berlin".
    [[nodiscard]] std::string words(std::string_view zone_name) const;

private:
    std::variant<CronFields, std::chrono::seconds> when_;
};

} // namespace jobrunner
