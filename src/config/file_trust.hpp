#pragma once

#include <optional>
#include <string>
#include <sys/types.h>

namespace jobrunner {

// Who may change a configuration file, and who reads it.
struct FileAccess {
    mode_t mode;
    uid_t owner;
    uid_t reader;
};

// Why a file that says what is executed is not to be trusted, and how to mend that; or nothing.
[[nodiscard]] std::optional<std::string> reason_to_distrust(const FileAccess& access);

} // namespace jobrunner
