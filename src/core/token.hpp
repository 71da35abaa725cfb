#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace jobrunner {

using JobId = std::int64_t;
// Random per start of a worker, never zero or negative: a restarted worker is another worker.
using WorkerId = std::int64_t;

// Names one claim of one job. Every write about a running job must match all three and the state
// `running`; see reliability of fencing: the attempt count alone is no fence, since give-backs lower it.
struct ClaimToken {
    JobId job = 0;
    std::int32_t fence = 0;
    WorkerId worker = 0;

    friend bool operator==(const ClaimToken&, const ClaimToken&) = default;
};

// The opaque text handed to jobs: "id.fence.worker" in decimal.
[[nodiscard]] std::string to_text(const ClaimToken& token);

// The token that `text` names, or nothing if it names none.
[[nodiscard]] std::optional<ClaimToken> parse_token(std::string_view text);

} // namespace jobrunner
