#pragma once

#include "core/duration.hpp"
#include "core/token.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jobrunner {

// A UTC instant of the database's clock, ISO 8601 with milliseconds and a Z: 2026-01-31T09:00:00.000Z.
using Instant = std::string;

enum class JobState { available, scheduled, blocked, running, retryable, completed, cancelled, dead };

[[nodiscard]] std::string_view to_string(JobState state);
[[nodiscard]] std::optional<JobState> parse_job_state(std::string_view text);
[[nodiscard]] bool is_finished(JobState state);

// A job to enqueue: the columns that an application may set. Unset means the column's default.
// JSON values are text, so that numbers stay exact.
struct NewJob {
    std::string kind;
    std::string args = "{}";
    std::optional<std::string> queue{};
    std::optional<int> priority{};
    std::optional<Instant> run_at{};
    std::optional<Milliseconds> run_in{}; // from the database's now; excludes run_at
    std::optional<int> max_attempts{};
    std::optional<Milliseconds> timeout{};
    std::optional<Instant> expires_at{};
    std::optional<std::string> unique_key{};
    std::optional<std::string> concurrency_key{};
    std::optional<int> cost{};
    std::optional<std::string> serial_key{};
    std::optional<std::string> fair_key{};
    std::vector<std::string> requires_labels{};
    std::optional<std::string> affinity_key{};
    std::vector<JobId> depends_on{};
    std::optional<std::string> on_dependency_failure{};
    std::optional<std::int64_t> batch_id{};
    std::vector<std::string> tags{};
    std::optional<std::string> meta{};
    std::optional<std::string> traceparent{};
};

// A claimed job: what a worker needs to run and settle it.
struct ClaimedJob {
    ClaimToken token;
    std::string kind;
    std::string queue;
    std::string args;
    std::optional<std::string> traceparent;
    std::optional<Milliseconds> timeout; // the row's own; unset: the kind's
    std::int64_t position = 0;
    int priority = 0;
    int attempt = 0;       // of this claim, from 1
    int attempt_limit = 0; // attempts that the job may have in all
    int crashes = 0;
    int snoozes = 0;
    int give_backs = 0;
    std::optional<std::string> checkpoint{}; // JSON that an earlier attempt left
};

} // namespace jobrunner
