#pragma once

#include "core/job.hpp"

#include <optional>
#include <string>

namespace jobrunner {

// Something about the database or its jobs that an operator should know.
struct Finding {
    std::string severity; // error, warning or note
    std::string code;     // for monitors; docs/operating.md lists them
    std::string text;
    std::string remedy;
};

// A promise that the recorded rows break.
struct Violation {
    std::string promise; // its code; docs/operating.md lists them
    std::optional<JobId> job;
    std::string text;
};

} // namespace jobrunner
