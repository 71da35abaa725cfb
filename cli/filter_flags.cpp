#include "cli/filter_flags.hpp"

#include "client/read_number.hpp"

namespace jobrunner {

void add_filter_flags(CLI::App& command, FilterFlags& flags, const FilterNames& names)
{
    add_texts(command, "--state", flags.states, "Only jobs in these states", "STATE");
    add_text(command, "--kind", flags.kind, "Only jobs of this kind", "KIND");
    add_text(command, names.queue, flags.queue, "Only jobs of this queue", "QUEUE");
    add_text(command, names.tag, flags.tag, "Only jobs with this tag", "TAG");
    add_text(command, names.batch, flags.batch, "Only members of this batch", "ID");
    add_text(command, "--since", flags.since,
        "Only jobs created since then: a time, or 10m for ten minutes ago", "TIME");
}

bool is_set(const FilterFlags& flags)
{
    return !flags.states.empty() || flags.kind || flags.queue || flags.tag || flags.batch || flags.since;
}

JobFilter to_filter(const FilterFlags& flags, TimePoint now)
{
    JobFilter filter;
    filter.states = to_states(flags.states);
    filter.kind = flags.kind;
    filter.queue = flags.queue;
    filter.tag = flags.tag;
    if (flags.batch) {
        filter.batch = read_job_id(*flags.batch, "--batch");
    }
    if (flags.since) {
        const auto since = read_instant_or_length(*flags.since, "--since");
        const auto* length = std::get_if<Milliseconds>(&since);
        filter.since = length != nullptr ? to_instant(now - *length) : std::get<Instant>(since);
    }
    return filter;
}

std::vector<JobState> to_states(const std::vector<std::string>& words)
{
    std::vector<JobState> states;
    for (const auto& word : words) {
        const auto state = parse_job_state(word);
        if (!state) {
            throw Error(ErrorKind::usage,
                "--state: is \"" + word +
                    "\"; available, scheduled, blocked, running, retryable, completed, cancelled or dead was "
                    "expected");
        }
        states.push_back(*state);
    }
    return states;
}

} // namespace jobrunner
