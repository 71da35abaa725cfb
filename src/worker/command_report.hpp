#pragma once

#include "core/settlement.hpp"
#include "executor/process.hpp"
#include "worker/job_runner.hpp"

#include <optional>

namespace jobrunner {

// What the end of a command's process says about its job: without what it took and what it printed. `cause`: why it was told to
// stop, if it was.
[[nodiscard]] RunReport command_report(
    const ProcessEnded& end, std::optional<StopCause> cause, Milliseconds timeout);

} // namespace jobrunner
