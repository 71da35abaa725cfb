#include "config/time_zone_file.hpp"

#include "core/error.hpp"

#include <date/tz.h>

#include <algorithm>

namespace jobrunner {
namespace {

class IanaZone final : public ZoneRules {
public:
    explicit IanaZone(const date::time_zone& zone) : zone_(zone) {}

    [[nodiscard]] ZonePeriod period_at(std::chrono::sys_seconds at) const override
    {
        // The library's first and last periods reach to the ends of its calendar, beyond what can be added to.
        const std::chrono::hours far{24 * 366 * 40};
        auto info = zone_.get_info(at);
        ZonePeriod period{std::max(info.begin, at - far), std::min(info.end, at + far), info.offset};
        // A change of the zone's name alone is none of its clocks.
        while (period.end < at + far) {
            info = zone_.get_info(period.end);
            if (info.offset != period.offset) {
                break;
            }
            period.end = std::min(info.end, at + far);
        }
        while (period.begin > at - far) {
            info = zone_.get_info(period.begin - std::chrono::seconds(1));
            if (info.offset != period.offset) {
                break;
            }
            period.begin = std::max(info.begin, at - far);
        }
        return period;
    }

private:
    const date::time_zone& zone_;
};

} // namespace

std::shared_ptr<const ZoneRules> find_time_zone(const std::string& name)
{
    try {
        return std::make_shared<const IanaZone>(*date::locate_zone(name));
    } catch (const std::exception&) {
        throw Error(ErrorKind::usage,
            "\"" + name +
                "\" is no time zone that this host knows; a name such as Europe/Berlin or UTC was expected");
    }
}

} // namespace jobrunner
