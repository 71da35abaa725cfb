#pragma once

#include "cli/host.hpp"

namespace jobrunner {

// Runs the command that the arguments name and returns the exit status. Errors become a line on host.err.
[[nodiscard]] int run_program(int argc, const char* const* argv, Host& host);

} // namespace jobrunner
