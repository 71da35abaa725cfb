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

// Throws Error{refused} that says what is wrong with the line; its content is not quoted.
[[nodiscard]] JobMessage parse_job_message(std::string_view line);

} // namespace jobrunner
