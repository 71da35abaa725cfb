#pragma once

#include "core/job.hpp"

#include <spdlog/spdlog.h>

#include <string>
#include <string_view>

namespace jobrunner {

// One line per event: the event's name, then key=value; the same keys everywhere. Never a payload or a secret.
inline void log_job(spdlog::level::level_enum level, std::string_view event, const ClaimToken& token,
    std::string_view kind, int attempt, std::string_view more = {})
{
    spdlog::log(level, "{} job_id={} kind={} attempt={} fence={}{}{}", event, token.job, kind, attempt,
        token.fence, more.empty() ? "" : " ", more);
}

// Sends the log to standard error, as text or as JSON Lines. Throws Error{usage} for unknown words.
void set_up_log(const std::string& level, const std::string& format);

// A value as it stands in a log line: quoted where it holds blanks or control characters.
[[nodiscard]] std::string log_value(std::string_view value);

} // namespace jobrunner
