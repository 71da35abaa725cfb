#include "cli/job_flags.hpp"

#include "client/read_number.hpp"
#include "core/json_text.hpp"

#include <limits>

namespace jobrunner {
namespace {

std::optional<int> int_of(const std::optional<std::string>& text, std::string_view flag, NumberRange range)
{
    return text ? std::optional(read_int(*text, flag, range)) : std::nullopt;
}

void set_times(NewJob& job, const JobFlags& flags, TimePoint now)
{
    if (flags.run_at && flags.run_in) {
        throw Error(ErrorKind::usage, "--at and --in: one of them was expected");
    }
    if (flags.run_at) {
        const auto at = read_instant_or_length(*flags.run_at, "--at");
        if (const auto* length = std::get_if<Milliseconds>(&at)) {
            job.run_in = *length;
        } else {
            job.run_at = std::get<Instant>(at);
        }
    }
    if (flags.run_in) {
        job.run_in = read_length(*flags.run_in, "--in");
    }
    if (flags.timeout) {
        job.timeout = read_length(*flags.timeout, "--timeout");
    }
    if (flags.expires_at) {
        const auto at = read_instant_or_length(*flags.expires_at, "--expires-at");
        const auto* length = std::get_if<Milliseconds>(&at);
        job.expires_at = length != nullptr ? to_instant(now + *length) : std::get<Instant>(at);
    }
}

} // namespace

void add_job_flags(CLI::App& command, JobFlags& flags)
{
    add_text(command, "--queue", flags.queue, "Queue where it waits (default: default)", "QUEUE");
    add_text(command, "--priority", flags.priority, "Lower runs first (default: 0)", "NUMBER");
    add_text(
        command, "--at,--run-at", flags.run_at, "Not before: a time, or a length of time from now", "TIME");
    add_text(command, "--in", flags.run_in, "Not before that long from now", "LENGTH");
    add_text(command, "--max-attempts", flags.max_attempts,
        "Attempts before it is dead (default: the kind's)", "NUMBER");
    add_text(command, "--timeout", flags.timeout, "For one attempt (default: the kind's)", "LENGTH");
    add_text(command, "--expires-at", flags.expires_at, "Cancelled if not started by then", "TIME");
    add_text(command, "--unique-key", flags.unique_key, "At most one unfinished job has it", "KEY");
    add_text(
        command, "--concurrency-key", flags.concurrency_key, "Counted against a limit for that key", "KEY");
    add_text(command, "--cost", flags.cost, "What it counts for under limits (default: 1)", "NUMBER");
    add_text(command, "--serial-key", flags.serial_key, "Jobs that share it run one at a time", "KEY");
    add_text(command, "--fair-key", flags.fair_key, "Tenants of a queue take turns", "KEY");
    add_texts(command, "--requires", flags.requires_labels, "Labels that the worker must have", "LABEL");
    add_text(command, "--affinity-key", flags.affinity_key,
        "Prefers the worker that ran the last job with it", "KEY");
    command.add_option("--after", flags.after, "Not before these jobs have finished")
        ->delimiter(',')
        ->type_name("ID");
    add_text(command, "--on-dependency-failure", flags.on_dependency_failure,
        "cancel (default), run or block", "WHAT");
    add_text(command, "--batch", flags.batch, "Batch that it belongs to", "ID");
    add_texts(command, "--tag", flags.tags, "Tags", "TAG");
    add_text(command, "--meta", flags.meta, "A JSON object, free for the application", "JSON");
    add_text(command, "--traceparent", flags.traceparent, "W3C trace context, handed to the job", "TEXT");
}

NewJob to_new_job(const JobFlags& flags, TimePoint now)
{
    NewJob job;
    job.queue = flags.queue;
    job.priority = int_of(flags.priority, "--priority", {-32'768, 32'767});
    job.max_attempts = int_of(flags.max_attempts, "--max-attempts", {1, 10'000});
    job.cost = int_of(flags.cost, "--cost", {1, 1'000'000});
    set_times(job, flags, now);
    job.unique_key = flags.unique_key;
    job.concurrency_key = flags.concurrency_key;
    job.serial_key = flags.serial_key;
    job.fair_key = flags.fair_key;
    job.requires_labels = flags.requires_labels;
    job.affinity_key = flags.affinity_key;
    for (const auto& id : flags.after) {
        job.depends_on.push_back(read_job_id(id, "--after"));
    }
    job.on_dependency_failure = flags.on_dependency_failure;
    if (flags.batch) {
        job.batch_id = read_job_id(*flags.batch, "--batch");
    }
    job.tags = flags.tags;
    if (flags.meta) {
        check_json_object(*flags.meta, "--meta");
        job.meta = flags.meta;
    }
    job.traceparent = flags.traceparent;
    return job;
}

} // namespace jobrunner
