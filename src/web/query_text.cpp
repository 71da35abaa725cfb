#include "web/query_text.hpp"

#include "client/check_job.hpp"
#include "client/read_number.hpp"
#include "core/error.hpp"

#include <algorithm>

namespace jobrunner {

void check_parameters(const WebRequest& request, std::initializer_list<std::string_view> names)
{
    for (const auto& [name, value] : request.query) {
        if (std::ranges::find(names, name) == names.end()) {
            std::string expected;
            for (const auto known : names) {
                expected += (expected.empty() ? "" : ", ") + std::string(known);
            }
            throw Error(ErrorKind::usage,
                name + ": is no parameter here; " + (expected.empty() ? "none" : expected) + " was expected");
        }
        if (request.query.count(name) > 1) {
            throw Error(ErrorKind::usage, name + ": is there twice; once was expected");
        }
    }
}

std::optional<std::string> parameter(const WebRequest& request, std::string_view name)
{
    const auto found = request.query.find(std::string(name));
    return found == request.query.end() || found->second.empty() ? std::nullopt
                                                                 : std::optional(found->second);
}

std::vector<JobState> read_states(std::string_view text, std::string_view name)
{
    std::vector<JobState> states;
    while (!text.empty()) {
        const auto end = std::min(text.find(','), text.size());
        const auto word = text.substr(0, end);
        const auto state = parse_job_state(word);
        if (!state) {
            throw Error(ErrorKind::usage,
                std::string(name) + ": is \"" + std::string(word) +
                    "\"; available, scheduled, blocked, running, retryable, completed, cancelled or dead was "
                    "expected");
        }
        if (std::ranges::find(states, *state) == states.end()) {
            states.push_back(*state);
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return states;
}

Instant read_since(std::string_view text, std::string_view name, TimePoint now)
{
    const auto since = read_instant_or_length(text, name);
    const auto* length = std::get_if<Milliseconds>(&since);
    return length != nullptr ? to_instant(now - *length) : std::get<Instant>(since);
}

JobFilter read_filter(const WebRequest& request, TimePoint now, int limit_max)
{
    check_parameters(request, {"state", "kind", "queue", "tag", "batch", "since", "below", "limit"});
    JobFilter filter;
    if (const auto states = parameter(request, "state")) {
        filter.states = read_states(*states, "state");
    }
    for (const auto& [name, into] :
        {std::pair{"kind", &filter.kind}, std::pair{"queue", &filter.queue}, std::pair{"tag", &filter.tag}}) {
        *into = parameter(request, name);
        if (*into) {
            check_name(**into, name);
        }
    }
    if (const auto since = parameter(request, "since")) {
        filter.since = read_since(*since, "since", now);
    }
    if (const auto batch = parameter(request, "batch")) {
        filter.batch = read_job_id(*batch, "batch");
    }
    if (const auto below = parameter(request, "below")) {
        filter.below = read_job_id(*below, "below");
    }
    if (const auto limit = parameter(request, "limit")) {
        filter.limit = read_int(*limit, "limit", {1, limit_max});
    }
    return filter;
}

} // namespace jobrunner
