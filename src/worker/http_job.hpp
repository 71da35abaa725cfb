#pragma once

#include "config/config.hpp"
#include "config/secret_value.hpp"
#include "core/job.hpp"
#include "executor/http_exchange.hpp"

#include <ctime>
#include <map>
#include <string>

namespace jobrunner {

// The request that an HTTP kind makes of a job, and the values of the secrets that went into it, by name.
struct HttpJob {
    HttpRequest request;
    std::map<std::string, std::string> secrets;
};

// `read_secret` gives the value of a secret by its name; what it throws comes through. `now` is put into the signature.
// Throws Error{refused} when the job's values do not fit into URL or headers, or make a host that is not allowed.
[[nodiscard]] HttpJob http_job(const ClaimedJob& job, const HttpConfig& http, const KindPolicy& policy,
    const ReadSecret& read_secret, std::time_t now);

} // namespace jobrunner
