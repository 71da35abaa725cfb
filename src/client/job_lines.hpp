#pragma once

#include "core/job.hpp"

#include <cstddef>
#include <istream>
#include <string_view>
#include <vector>

namespace jobrunner {

// Jobs as JSON Lines: one object a line with the columns that an application may set, named as in the table, and run_in.
// args and meta are objects and pass through with every digit; lengths of time are texts such as "30s" or
// numbers of seconds; instants are ISO 8601; tags, requires and depends_on are arrays. Members that are null count
// as absent, and an absent one has the value of `defaults`.

// Throws Error{usage} that names the member that is wrong. The job has passed check_new_job().
[[nodiscard]] NewJob parse_job_line(std::string_view line, const NewJob& defaults);

struct JobLine {
    std::size_t line = 0; // from 1
    NewJob job;
};

inline constexpr std::size_t job_lines_max = 1'000'000;
inline constexpr std::size_t job_line_bytes_max = 8 * 1024 * 1024;

// Reads all lines; empty ones are passed over. Throws Error{usage} about the first bad line, as
// "name:line: what is wrong".
[[nodiscard]] std::vector<JobLine> read_job_lines(
    std::istream& in, std::string_view name, const NewJob& defaults);

} // namespace jobrunner
