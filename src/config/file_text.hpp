#pragma once

#include "config/file_trust.hpp"

#include <filesystem>
#include <string>

namespace jobrunner {

// What a file holds, and who may change it.
struct FileText {
    std::string text;
    FileAccess access;
};

// Reads both from one open file, so that they belong together.
// Throws Error{usage} that names the file when it cannot be read or is longer than 4 MiB.
[[nodiscard]] FileText read_file_text(const std::filesystem::path& file);

} // namespace jobrunner
