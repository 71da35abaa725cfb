#pragma once

#include "cli/session.hpp"
#include "storage/storage.hpp"

#include <optional>
#include <span>
#include <string>

namespace jobrunner {

// Waits for the jobs and prints each when it has finished: a line for people, its object with --json. Returns the
// exit status: done if all have completed, failed if one has not or the time is over.
// Throws Error{not_found} when one of them does not exist.
[[nodiscard]] int wait_and_print(
    Session& session, std::span<const JobId> ids, std::optional<Milliseconds> at_most);

// Why a job is not completed, in one line: its error, else its reason; empty where there is none.
[[nodiscard]] std::string trouble_of(const JobRow& job);

} // namespace jobrunner
