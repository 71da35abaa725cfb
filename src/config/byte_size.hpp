#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace jobrunner {

// Reads a number of bytes: a whole number and a unit, such as "512MiB", "64KiB", "1GB" or "100B".
// Units: B; KB, MB, GB, TB (powers of 1000); KiB, MiB, GiB, TiB (powers of 1024).
// Throws Error{usage} that quotes the text when it is anything else or does not fit 63 bits.
[[nodiscard]] std::uint64_t parse_byte_size(std::string_view text);

// The text with the largest binary unit that divides `bytes`: 65536 is "64KiB", 1000 is "1000B".
[[nodiscard]] std::string format_byte_size(std::uint64_t bytes);

} // namespace jobrunner
