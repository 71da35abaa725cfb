#include "cli/commands.hpp"
#include "cli/selection_flags.hpp"

namespace jobrunner {
namespace {

struct RescheduleFlags {
    SelectionFlags selection;
    std::optional<std::string> at;
    std::optional<std::string> in;
};

JobCommand reschedule_command(const RescheduleFlags& flags)
{
    JobCommand command{.action = JobAction::reschedule};
    if (flags.at.has_value() == flags.in.has_value()) {
        throw Error(ErrorKind::usage, "reschedule: either --at or --in was expected");
    }
    if (flags.in) {
        command.run_in = read_length(*flags.in, "--in");
        return command;
    }
    const auto at = read_instant_or_length(*flags.at, "--at");
    if (const auto* length = std::get_if<Milliseconds>(&at)) {
        command.run_in = *length;
    } else {
        command.run_at = std::get<Instant>(at);
    }
    return command;
}

void add_plain_action(CommandTree& tree, JobAction action, const CommandText& text)
{
    const auto flags = std::make_shared<SelectionFlags>();
    auto& command = tree.add(
        text, [flags, action](Session& session) { return run_action(session, {.action = action}, *flags); });
    add_selection_flags(command, *flags);
}

void add_reschedule_command(CommandTree& tree)
{
    const auto flags = std::make_shared<RescheduleFlags>();
    auto& command = tree.add({.name = "reschedule",
                                 .about = "Moves the time before which waiting jobs do not run.",
                                 .examples = "jobrunner reschedule 42 --in 10m\n"
                                             "jobrunner reschedule --queue mail --at 2026-01-31T09:00",
                                 .group = "Changing jobs"},
        [flags](
            Session& session) { return run_action(session, reschedule_command(*flags), flags->selection); });
    add_text(command, "--at,--run-at", flags->at, "Not before: a time, or a length of time from now", "TIME");
    add_text(command, "--in", flags->in, "Not before that long from now", "LENGTH");
    add_selection_flags(command, flags->selection);
}

} // namespace

void add_action_commands(CommandTree& tree)
{
    add_plain_action(tree, JobAction::cancel,
        {.name = "cancel",
            .about = "Cancels unfinished jobs; running ones are asked to stop.",
            .examples = "jobrunner cancel 42 43\njobrunner cancel --kind report --state scheduled --dry-run",
            .group = "Changing jobs"});
    add_plain_action(tree, JobAction::retry,
        {.name = "retry",
            .about =
                "Runs jobs again: dead ones with all their attempts, waiting ones at once.\nFilters without "
                "--state mean dead and retryable jobs.",
            .examples = "jobrunner retry 42\njobrunner retry --kind mail.send --state dead --since 1d",
            .group = "Changing jobs"});
    add_plain_action(tree, JobAction::remove,
        {.name = "delete",
            .about = "Deletes jobs that are not running, with all that is known of them.",
            .examples = "jobrunner delete 42\njobrunner delete --state dead --kind old.kind --dry-run",
            .group = "Changing jobs"});
    add_reschedule_command(tree);
}

} // namespace jobrunner
