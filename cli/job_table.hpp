#pragma once

#include "cli/table.hpp"
#include "client/time_text.hpp"
#include "storage/storage.hpp"

namespace jobrunner {

// Jobs for people, one a line: what they are, how far, and since or until when.
[[nodiscard]] Table make_job_table();
void add_job(Table& table, const JobRow& job, TimePoint now);

// "2/25", or "2" where the kind says how many there may be.
[[nodiscard]] std::string attempts_text(const JobRow& job);

} // namespace jobrunner
