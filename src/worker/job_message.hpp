#pragma once

#include "core/settlement.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace jobrunner {

// What a job may say in one line of JSON while it runs; contract of services and of descriptor 3 of commands.
struct JobProgress {
    std::optional<double> percent;
    std::optional<std::string> note;
    std::optional<std::string> checkpoint; // JSON
};
struct JobExtend {
    Milliseconds by{0};
};
struct JobLogLine {
    std::string line;
};
// Its end: done, fail or snooze.
using JobMessage = std::variant<RunReport, JobProgress, JobExtend, JobLogLine>;

// What a service says in one line of JSON.
struct ServiceReady {
    int concurrency = 1;
};
struct ServiceJobMessage {
    JobId job = 0;
    std::optional<JobMessage> message; // nothing: it is malformed
    std::string problem;               // what is wrong with it
    bool is_end = false;               // done, fail or snooze, malformed or not
};
using ServiceMessage = std::variant<ServiceReady, ServiceJobMessage>;

// Throws Error{refused} for a line that is no message and names no job.
[[nodiscard]] ServiceMessage parse_service_message(std::string_view line);
// The job that the beginning of a line that is no message names, if it does so before anything nested.
[[nodiscard]] std::optional<JobId> job_named_early(std::string_view line);

// Throws Error{refused} that says what is wrong with the line; its content is not quoted.
[[nodiscard]] JobMessage parse_job_message(std::string_view line);

} // namespace jobrunner
