#include "config/file_trust.hpp"

#include <sys/stat.h>

namespace jobrunner {

std::optional<std::string> reason_to_distrust(const FileAccess& access)
{
    constexpr uid_t root = 0;
    if ((access.mode & (S_IWGRP | S_IWOTH)) != 0) {
        return "declares kinds and may be written by group or others, who could choose what is executed; "
               "mend it with: chmod go-w";
    }
    if (access.owner != root && access.owner != access.reader) {
        return "declares kinds and belongs to user " + std::to_string(access.owner) +
            ", who could choose what is executed; root or the user who runs jobrunner was expected; "
            "mend it with: chown";
    }
    return std::nullopt;
}

} // namespace jobrunner
