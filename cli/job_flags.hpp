#pragma once

#include "cli/command_tree.hpp"
#include "client/time_text.hpp"
#include "core/job.hpp"

#include <optional>
#include <string>
#include <vector>

namespace jobrunner {

// A flag for each column of a job that an application may set, but kind and args.
struct JobFlags {
    std::optional<std::string> queue;
    std::optional<std::string> priority;
    std::optional<std::string> run_at;
    std::optional<std::string> run_in;
    std::optional<std::string> max_attempts;
    std::optional<std::string> timeout;
    std::optional<std::string> expires_at;
    std::optional<std::string> unique_key;
    std::optional<std::string> concurrency_key;
    std::optional<std::string> cost;
    std::optional<std::string> serial_key;
    std::optional<std::string> fair_key;
    std::vector<std::string> requires_labels;
    std::optional<std::string> affinity_key;
    std::vector<std::string> after;
    std::optional<std::string> on_dependency_failure;
    std::optional<std::string> batch;
    std::vector<std::string> tags;
    std::optional<std::string> meta;
    std::optional<std::string> traceparent;
};

void add_job_flags(CLI::App& command, JobFlags& flags);

// A job without kind whose columns are those of the flags. Throws Error{usage} that names the flag; what
// check_new_job() checks is left to it.
[[nodiscard]] NewJob to_new_job(const JobFlags& flags, TimePoint now);

} // namespace jobrunner
