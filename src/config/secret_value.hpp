#pragma once

#include "config/config.hpp"

#include <functional>
#include <string>

namespace jobrunner {

// The value of the secret of that name; may throw where there is none.
using ReadSecret = std::function<std::string(const std::string& name)>;

// The present value of a secret, read anew each time, without the line end at its end.
// Throws Error{usage} that names the secret and where it was looked for, when it is not there or empty.
[[nodiscard]] std::string secret_value(const Config& config, const std::string& name);

} // namespace jobrunner
