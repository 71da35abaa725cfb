#pragma once

#include "core/time_zone.hpp"

#include <memory>
#include <string>

namespace jobrunner {

// A zone of this host's IANA time zone database, such as Europe/Berlin or UTC. It is read once and lives as long as the
// process.
// Throws Error{usage} that names the zone where the host knows none of that name.
// Threads: from any.
[[nodiscard]] std::shared_ptr<const ZoneRules> find_time_zone(const std::string& name);

} // namespace jobrunner
