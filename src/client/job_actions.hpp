#pragma once

#include "storage/storage.hpp"

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

namespace jobrunner {

[[nodiscard]] std::string_view to_string(JobAction action); // the word of the CLI: remove is "delete"
[[nodiscard]] std::string_view to_string(ActionResult result);

// The states in which an action can do something to a job.
[[nodiscard]] std::vector<JobState> possible_states(JobAction action);
// Those that a filter without states means: for retry only dead and waiting-to-retry jobs, else the possible ones.
[[nodiscard]] std::vector<JobState> meant_states(JobAction action);

struct ActedJob {
    JobId id = 0;
    std::optional<JobRow> job; // as it was before; not looked up for plain ids
    ActionOutcome outcome;
};

using ActedSeen = std::function<void(const ActedJob&)>;

struct ActionTally {
    std::int64_t done = 0; // or requested
    std::int64_t not_found = 0;
    std::int64_t not_possible = 0;
};

// Which jobs an action is for: the ids, or, where there are none, those of the filter.
struct JobSelection {
    std::vector<JobId> ids;
    JobFilter filter;
};

// Acts on the jobs, in pages, each job by itself. A filter without states means meant_states().
ActionTally act_on(
    Storage& storage, const JobCommand& command, const JobSelection& selection, const ActedSeen& seen);
// Says what act_on() would do as far as the jobs' states tell, and changes nothing.
ActionTally try_on(
    Storage& storage, const JobCommand& command, const JobSelection& selection, const ActedSeen& seen);

} // namespace jobrunner
