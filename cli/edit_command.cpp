#include "cli/commands.hpp"
#include "cli/selection_flags.hpp"
#include "client/check_job.hpp"
#include "client/read_number.hpp"
#include "core/json_text.hpp"

#include <array>
#include <cstdio>

namespace jobrunner {
namespace {

struct EditFlags {
    SelectionFlags selection;
    std::optional<std::string> args;
    std::optional<std::string> priority;
    std::optional<std::string> queue;
    std::optional<std::string> max_attempts;
    std::optional<std::string> timeout;
    std::vector<std::string> tags;
    std::optional<std::string> meta;
};

// A number of seconds means the same to both databases.
std::string seconds_text(Milliseconds length)
{
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%lld.%03d", static_cast<long long>(length.count() / 1000),
        static_cast<int>(length.count() % 1000));
    return text.data();
}

// The new values as a job of their own, to be checked like one.
NewJob edited_columns(const EditFlags& flags)
{
    NewJob job;
    job.kind = "edited";
    job.args = flags.args.value_or("{}");
    job.queue = flags.queue;
    job.tags = flags.tags;
    job.meta = flags.meta;
    if (flags.priority) {
        job.priority = read_int(*flags.priority, "--priority", {-32'768, 32'767});
    }
    if (flags.max_attempts) {
        job.max_attempts = read_int(*flags.max_attempts, "--max-attempts", {1, 10'000});
    }
    if (flags.timeout) {
        job.timeout = read_length(*flags.timeout, "--timeout");
    }
    check_new_job(job);
    return job;
}

std::string changes_of(const EditFlags& flags)
{
    const NewJob job = edited_columns(flags);
    JsonObject changes;
    if (flags.args) {
        changes.raw("args", job.args);
    }
    if (job.priority) {
        changes.number("priority", *job.priority);
    }
    if (job.queue) {
        changes.text("queue", *job.queue);
    }
    if (job.max_attempts) {
        changes.number("max_attempts", *job.max_attempts);
    }
    if (job.timeout) {
        changes.raw("timeout", seconds_text(*job.timeout));
    }
    if (!job.tags.empty()) {
        changes.texts("tags", job.tags);
    }
    if (job.meta) {
        changes.raw("meta", *job.meta);
    }
    return changes.str();
}

int edit_jobs(Session& session, const EditFlags& flags)
{
    JobCommand command{.action = JobAction::edit};
    command.changes = changes_of(flags);
    if (command.changes == "{}") {
        throw Error(ErrorKind::usage,
            "edit: nothing is to be changed; at least one of --args, --priority, --queue, "
            "--max-attempts, --timeout, --tag and --meta was expected");
    }
    return run_action(session, command, flags.selection);
}

} // namespace

void add_edit_command(CommandTree& tree)
{
    const auto flags = std::make_shared<EditFlags>();
    auto& command = tree.add({.name = "edit",
                                 .about = "Changes columns of unfinished jobs that are not running.",
                                 .examples = "jobrunner edit 42 --priority -10\n"
                                             "jobrunner edit --kind report --from-queue default --queue bulk",
                                 .group = "Changing jobs"},
        [flags](Session& session) { return edit_jobs(session, *flags); });
    add_text(command, "--args", flags->args, "New args, a JSON object", "JSON");
    add_text(command, "--priority", flags->priority, "New priority", "NUMBER");
    add_text(command, "--queue", flags->queue, "New queue", "QUEUE");
    add_text(command, "--max-attempts", flags->max_attempts, "New limit of attempts", "NUMBER");
    add_text(command, "--timeout", flags->timeout, "New time limit of an attempt", "LENGTH");
    add_texts(command, "--tag", flags->tags, "New tags, in place of all old ones", "TAG");
    add_text(command, "--meta", flags->meta, "New meta, a JSON object", "JSON");
    add_selection_flags(command, flags->selection, {.queue = "--from-queue", .tag = "--with-tag"});
}

} // namespace jobrunner
