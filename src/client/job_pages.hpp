#pragma once

#include "storage/storage.hpp"

#include <cstdint>
#include <functional>
#include <span>

namespace jobrunner {

inline constexpr int job_page_max = 500;

using PageSeen = std::function<void(std::span<const JobRow> page)>;

// Hands out the jobs that the filter names, newest first, at most `jobs_max` of them and at most job_page_max at once.
// filter.limit does not count. Jobs that appear meanwhile are not among them.
void for_each_page(Storage& storage, JobFilter filter, std::int64_t jobs_max, const PageSeen& page_seen);

} // namespace jobrunner
