#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace jobrunner {

// The paths at which a program is to be tried, in order: the name itself if it holds a slash, else the name in
// each folder of the PATH in `environment` ("NAME=value"), or of default_search_path if that has none. As in
// execvp, an empty folder is the current one.
[[nodiscard]] std::vector<std::string> program_paths(
    std::string_view name, const std::vector<std::string>& environment);

// The PATH that program_paths() goes by.
[[nodiscard]] std::string_view search_path(const std::vector<std::string>& environment);

} // namespace jobrunner
