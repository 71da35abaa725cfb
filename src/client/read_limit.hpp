#pragma once

#include "storage/limits.hpp"

#include <string>
#include <string_view>

namespace jobrunner {

inline constexpr int limit_count_max = 1'000'000;

// Each throws Error{usage} that names `field`.
[[nodiscard]] LimitScope read_limit_scope(std::string_view word, std::string_view field);
void check_limit_name(const Limit& limit, std::string_view field);
// "100/1m": 100 starts within any minute.
void read_rate(std::string_view text, std::string_view field, Limit& limit);
// A period between a millisecond and 31 days.
void check_limit_period(Milliseconds period, std::string_view field);

} // namespace jobrunner
