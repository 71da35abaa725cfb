#pragma once

#include "config/config.hpp"
#include "core/job.hpp"
#include "executor/process.hpp"

namespace jobrunner {

// The process that a command kind makes of a job: arguments filled in, environment, limits.
// Throws Error{refused} when an argument cannot be filled in from the job's args.
[[nodiscard]] ProcessSpec command_spec(const ClaimedJob& job, const CommandConfig& command,
    const KindPolicy& policy, const std::string& database_without_password);

} // namespace jobrunner
