#pragma once

#include "executor/descriptor.hpp"

#include <string_view>

namespace jobrunner {

// A descriptor from which a child reads `data`, then the end. Nobody has to feed it: what does not fit into a
// pipe lies in a sealed memory file. Throws std::system_error.
[[nodiscard]] Descriptor make_stdin(std::string_view data);

} // namespace jobrunner
