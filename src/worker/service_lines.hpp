#pragma once

#include "core/job.hpp"

#include <optional>
#include <string>
#include <vector>

namespace jobrunner {

// The lines of JSON that a service's child gets, each with its newline. `timeout` is what the job has from now on.
[[nodiscard]] std::string service_job_line(const ClaimedJob& job, std::optional<Milliseconds> timeout);
// Of a chunk: one message that holds the lines of its jobs.
[[nodiscard]] std::string service_jobs_line(const std::vector<std::string>& job_lines);
[[nodiscard]] std::string service_cancel_line(JobId id);
[[nodiscard]] std::string service_shutdown_line();

} // namespace jobrunner
