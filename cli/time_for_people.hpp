#pragma once

#include "client/time_text.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace jobrunner {

// A length of time in one unit: "850ms", "3.2s", "42s", "12m", "5h", "12d".
[[nodiscard]] std::string rough_length(Milliseconds length);

// "3m ago", "in 5m" or "now".
[[nodiscard]] std::string relative_to(TimePoint now, const Instant& instant);

// In the local time zone, with a hint how far away that is: "2026-01-31 10:00:00 (3m ago)". Text that is no instant
// comes back as it is, an unset one as empty text.
[[nodiscard]] std::string local_time(TimePoint now, const std::optional<Instant>& instant);

// The same in a few columns: "10:00:00 (3m ago)" within a day, else "2026-01-31 (12d ago)".
[[nodiscard]] std::string short_time(TimePoint now, const std::optional<Instant>& instant);

// "512 MiB".
[[nodiscard]] std::string rough_bytes(std::int64_t bytes);

} // namespace jobrunner
