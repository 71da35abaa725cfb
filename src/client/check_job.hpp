#pragma once

#include "core/job.hpp"

#include <string_view>

namespace jobrunner {

// Checks what can be checked of a job before a database sees it, so that many jobs can be refused before the first is
// added: the same limits as the tables' constraints. The database has the last word.
// Throws Error{usage} that names the column and what was expected.
void check_new_job(const NewJob& job);

// 1 to 128 printable characters, as kinds, queues and labels are named. Throws Error{usage} that begins with `field`.
void check_name(std::string_view text, std::string_view field);

} // namespace jobrunner
