#pragma once

#include <string>
#include <string_view>

namespace jobrunner {

// This build's version, "major.minor.patch".
[[nodiscard]] std::string_view version();

// Whether version `a` is older than `b`; both "major.minor.patch", missing parts count as 0.
[[nodiscard]] bool is_older(std::string_view a, std::string_view b);

} // namespace jobrunner
