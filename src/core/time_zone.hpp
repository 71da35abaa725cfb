#pragma once

#include <chrono>

namespace jobrunner {

// A stretch of time in which a zone's clocks differ from UTC by the same length. `begin` belongs to it, `end` does not.
struct ZonePeriod {
    std::chrono::sys_seconds begin;
    std::chrono::sys_seconds end;
    std::chrono::seconds offset; // local = UTC + offset

    [[nodiscard]] std::chrono::local_seconds local(std::chrono::sys_seconds at) const
    {
        return std::chrono::local_seconds((at + offset).time_since_epoch());
    }
};

// What a time zone's clocks show. Where the rules come from is the business of who makes one.
//
// Threads: from any.
class ZoneRules {
public:
    ZoneRules() = default;
    ZoneRules(const ZoneRules&) = delete;
    ZoneRules& operator=(const ZoneRules&) = delete;
    virtual ~ZoneRules() = default;

    // Periods follow each other without a gap, and none is empty. The first and the last reach at least 20 years
    // beyond any time that is asked for.
    [[nodiscard]] virtual ZonePeriod period_at(std::chrono::sys_seconds at) const = 0;
};

} // namespace jobrunner
