#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jobrunner {

// Of `names` the one that `typed` was most likely meant to be, or nothing if none is near: at
// most a third of its letters, rounded up, were mistyped, left out, added or swapped.
[[nodiscard]] std::optional<std::string> near_name(
    std::string_view typed, const std::vector<std::string>& names);

} // namespace jobrunner
