#pragma once

#include "core/duration.hpp"
#include "core/retry.hpp"

#include <optional>
#include <string>
#include <vector>

namespace jobrunner {

// Which jobs of a kind are the same work, so that there is one of them at a time.
struct UniquePolicy {
    std::vector<std::string> args{}; // the members of args that make the key; none: all of args
    bool only_queued = false;        // the key is free again when the job starts, not when it has finished
    std::optional<Milliseconds>
        window{}; // the key is held for so long from the enqueuing on, whatever becomes of the job

    friend bool operator==(const UniquePolicy&, const UniquePolicy&) = default;
};

// As it is published: {"args": ["user_id"], "while": "unfinished", "for_ms": 600000}.
[[nodiscard]] std::string to_json(const UniquePolicy& policy);

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
    std::optional<UniquePolicy> unique{};
};

} // namespace jobrunner
