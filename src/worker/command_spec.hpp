#pragma once

#include "config/config.hpp"
#include "config/secret_value.hpp"
#include "core/job.hpp"
#include "executor/process.hpp"

#include <string>

namespace jobrunner {

// A larger checkpoint does not fit into a variable of the environment.
inline constexpr std::size_t command_checkpoint_bytes_max = std::size_t{96} * 1024;

// The process that a command kind makes of a job: arguments filled in, environment, limits.
// Throws Error{refused} when an argument cannot be filled in from the job's args, or when a value would be read as an option:
// it begins an argument with a dash, with no "--" before it, and the kind does not allow that. `read_secret` is needed where an
// environment refers to one; what it throws comes through.
[[nodiscard]] ProcessSpec command_spec(const ClaimedJob& job, const CommandConfig& command,
    const KindPolicy& policy, const std::string& database_without_password,
    const ReadSecret& read_secret = {});

// Puts the profiler's command before the process's own; `name` is that of the profile in its directory. Returns where it goes.
std::string add_profiler(ProcessSpec& spec, const ProfileConfig& profile, const std::string& name);

// The process that a command kind makes of a chunk: its jobs come on standard input, a line of JSON each.
[[nodiscard]] ProcessSpec command_chunk_spec(const std::vector<ClaimedJob>& jobs,
    const CommandConfig& command, const KindPolicy& policy, const std::string& database_without_password,
    const ReadSecret& read_secret = {});

// The process of a service, without its key: environment and limits as for a command, and no job yet.
[[nodiscard]] ProcessSpec service_spec(const CommandConfig& command,
    const std::string& database_without_password, const std::string& instance,
    const ReadSecret& read_secret = {});

} // namespace jobrunner
