#pragma once

#include "core/settlement.hpp"
#include "executor/http_exchange.hpp"
#include "worker/job_runner.hpp"

#include <ctime>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace jobrunner {

// What is known of a request when its answer comes.
struct HttpContext {
    std::string method;
    std::string host;
    Milliseconds timeout{0};
    Milliseconds retry_after_max{0};
    std::optional<StopCause> cause; // why it was stopped, if it was
    std::map<std::string, std::string> secrets;
};

// What becomes of a job by the answer to its request: 2xx succeeds with the body as its result; 408, 425, 429 and 5xx are
// failed attempts, 429 and 503 with Retry-After as their delay; all others fail for good. Values of secrets that the
// answer repeats are replaced. `now` is the host's time, for dates in Retry-After where the answer has none itself.
[[nodiscard]] RunReport http_report(HttpEnded ended, const HttpContext& context, std::time_t now);

// The wait that a Retry-After asks for: seconds, or an HTTP date less `date` (the answer's own) or `now`. At least a
// second, so that no attempts are burnt at once. Nothing when it is neither.
[[nodiscard]] std::optional<Milliseconds> retry_after(
    const std::string& value, const std::string& date, std::time_t now);

} // namespace jobrunner
