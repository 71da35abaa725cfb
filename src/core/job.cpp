#include "core/job.hpp"

#include <array>

namespace jobrunner {
namespace {

constexpr std::array<std::string_view, 8> state_names{
    "available", "scheduled", "blocked", "running", "retryable", "completed", "cancelled", "dead"};

} // namespace

std::string_view to_string(JobState state)
{
    return state_names.at(static_cast<std::size_t>(state));
}

std::optional<JobState> parse_job_state(std::string_view text)
{
    for (std::size_t i = 0; i < state_names.size(); ++i) {
        if (state_names.at(i) == text) {
            return static_cast<JobState>(i);
        }
    }
    return std::nullopt;
}

bool is_finished(JobState state)
{
    return state == JobState::completed || state == JobState::cancelled || state == JobState::dead;
}

} // namespace jobrunner
