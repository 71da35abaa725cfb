#pragma once

#include "client/job_actions.hpp"
#include "client/time_text.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace jobrunner {

// One step of an action on many jobs: it acts on at most `limit` of them and says where the next step begins, so that
// whoever steers it shows the progress, and may stop, or go on later.
struct BulkStep {
    JobCommand command;
    JobSelection selection; // filter.below is where it begins
    bool by_filter = false;
    bool dry_run = false;
};

inline constexpr int bulk_step_max = 500;

struct BulkResult {
    ActionTally tally;
    std::optional<JobId> next; // the `below` of the next step; nothing: that was the last
    std::string problem;       // of the first job with which it was not possible
};

// Reads {"action", "ids" or "filter", "below", "limit", "dry_run", "run_at" or "run_in"}; `now` is for lengths of time.
// Throws Error{usage} that names the member.
[[nodiscard]] BulkStep read_bulk_step(std::string_view json, const std::string& actor, TimePoint now);

[[nodiscard]] BulkResult take_bulk_step(Storage& storage, BulkStep step);

// "cancel", "retry", "delete" or "reschedule". Throws Error{usage}.
[[nodiscard]] JobAction read_action(std::string_view word);

} // namespace jobrunner
