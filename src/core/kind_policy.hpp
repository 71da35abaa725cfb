#pragma once

#include "core/duration.hpp"
#include "core/retry.hpp"

#include <optional>
#include <string>

namespace jobrunner {

// What a kind promises about retries, time and retention: the part of its configuration that
// is published to the database. It never says what the kind executes.
struct KindPolicy {
    std::string kind;
    int max_attempts = 25;
    RetryPolicy retry;
    std::optional<Milliseconds> timeout{std::chrono::minutes{5}};
    Milliseconds snooze{std::chrono::minutes{1}}; // for a snooze that names no length
    std::optional<Milliseconds> keep{
        std::chrono::hours{24 * 7}};   // finished rows; nothing: for ever; 0: not at all
    int max_give_backs = 100;          // beyond it a give-back costs an attempt
    bool record_every_attempt = false; // completing attempts go to `attempts` as well
    bool notify = false;               // NOTIFY <schema>_finished
};

} // namespace jobrunner
