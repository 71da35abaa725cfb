#pragma once

#include "core/job.hpp"

#include <chrono>
#include <optional>
#include <string_view>
#include <variant>

namespace jobrunner {

using TimePoint = std::chrono::sys_time<Milliseconds>;

// A time as people write it: an instant, or a length of time whose direction the flag or field says.
using InstantOrLength = std::variant<Instant, Milliseconds>;

// Reads ISO 8601: 2026-01-31, 2026-01-31T09:00, 2026-01-31 09:00:00.123, each also with Z or an offset such as +01:00.
// Without one it is local time. Throws Error{usage} that begins with `name`.
[[nodiscard]] Instant read_instant(std::string_view text, std::string_view name);

// The same, or a length of time such as 10m.
[[nodiscard]] InstantOrLength read_instant_or_length(std::string_view text, std::string_view name);

// A length of time. Throws Error{usage} that begins with `name`.
[[nodiscard]] Milliseconds read_length(std::string_view text, std::string_view name);

[[nodiscard]] Instant to_instant(TimePoint time);
// Nothing where the text is no instant as databases give it.
[[nodiscard]] std::optional<TimePoint> to_time_point(const Instant& instant);

} // namespace jobrunner
