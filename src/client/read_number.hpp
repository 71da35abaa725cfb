#pragma once

#include "core/token.hpp"

#include <cstdint>
#include <string_view>

namespace jobrunner {

// Both ends belong to it.
struct NumberRange {
    std::int64_t least;
    std::int64_t most;
};

// A whole number in decimal. Throws Error{usage} that begins with `name` when the text is anything else or out of range.
[[nodiscard]] std::int64_t read_integer(std::string_view text, std::string_view name, NumberRange range);
[[nodiscard]] int read_int(std::string_view text, std::string_view name, NumberRange range);
[[nodiscard]] JobId read_job_id(std::string_view text, std::string_view name);

} // namespace jobrunner
