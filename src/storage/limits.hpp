#pragma once

#include "storage/claim_request.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace jobrunner {

enum class LimitScope { queue, kind, key };

[[nodiscard]] std::string_view to_string(LimitScope scope);
// Nothing for any other word than queue, kind and key.
[[nodiscard]] std::optional<LimitScope> parse_limit_scope(std::string_view word);

// At most `at_most` jobs at once, and at most `starts` within any `period`, of a queue, a kind or a concurrency key; jobs
// count for their cost. A key's name that ends in * stands for all keys that begin so, each by itself.
struct Limit {
    LimitScope scope = LimitScope::queue;
    std::string name;
    std::optional<int> at_most{};
    std::optional<int> starts{};
    std::optional<Milliseconds> period{};
};

struct LimitRow {
    Limit limit;
    std::int64_t running = 0; // cost of what runs under it
    std::int64_t started = 0; // cost of what has started within its period
    std::int64_t waiting = 0; // jobs that it holds back, counted up to limit_waiting_max
};

inline constexpr int limit_waiting_max = 10'000;

// Its lanes are those in which jobs wait, limited ones among them.
struct LimitedRequest : ClaimRequest {
    std::vector<std::string> queues{};       // that the worker serves; none: every one
    std::map<std::string, int> queue_room{}; // queues of which it takes only so many
    int look_at = 0;                         // jobs of each lane
    std::string after_line{};                // where the last call stopped
};

struct LimitedClaim {
    std::vector<ClaimedJob> jobs;
    std::vector<LaneClaim> lanes;      // what is left for an ordinary claim
    int moved = 0;                     // jobs that were moved aside
    bool has_lines = false;            // some jobs are held back
    bool busy = false;                 // another worker is at it: ask again in a few milliseconds
    std::optional<Milliseconds> again; // until time alone may let more of them go
    std::string last_line;
};

} // namespace jobrunner
