#pragma once

#include "core/cron.hpp"

#include <chrono>
#include <string>

namespace jobrunner {

// "every weekday at 09:00", "every 5 minutes from 08:00 to 17:59 on Monday", "every month on day 1 at 00:00".
[[nodiscard]] std::string words_of(const CronFields& fields);
// "every 90 seconds", "every 2 hours".
[[nodiscard]] std::string words_of(std::chrono::seconds every);

} // namespace jobrunner
