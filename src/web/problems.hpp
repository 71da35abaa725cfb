#pragma once

#include "web/snapshot.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace jobrunner {

enum class Severity { error, warning, note };

[[nodiscard]] std::string_view to_string(Severity severity);

// Something that is wrong now, and that somebody should look at.
struct Problem {
    Severity severity = Severity::warning;
    std::string code;    // stable, for programs: "queue_unserved"
    std::string subject; // the queue, worker, kind or schedule; may be empty
    std::string text;    // a sentence
};

// All that a snapshot shows to be wrong, the worst first, at most 100.
[[nodiscard]] std::vector<Problem> find_problems(const Snapshot& snapshot);

} // namespace jobrunner
