#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace jobrunner {

using Milliseconds = std::chrono::milliseconds;

// Reads a length of time: one or more numbers with a unit each, largest first, such as "30s",
// "1h30m", "250ms", "1.5h" or "7d". Units: ms, s, m, h, d, w.
// Throws Error{usage} that quotes the text when it is anything else, negative, or over 100 years.
[[nodiscard]] Milliseconds parse_duration(std::string_view text);

// The shortest text that parse_duration reads back as the same length: 90000 ms is "1m30s".
[[nodiscard]] std::string format_duration(Milliseconds length);

} // namespace jobrunner
