#include "cli/commands.hpp"
#include "cli/filter_flags.hpp"

namespace jobrunner {
namespace {

struct PruneFlags {
    std::string older_than;
    std::vector<std::string> states;
};

std::vector<JobState> finished_states(const std::vector<std::string>& words)
{
    const auto states =
        words.empty() ? std::vector{JobState::completed, JobState::cancelled} : to_states(words);
    for (const auto state : states) {
        if (!is_finished(state)) {
            throw Error(ErrorKind::usage,
                "--state: is \"" + std::string(to_string(state)) +
                    "\"; completed, cancelled or dead was expected");
        }
    }
    return states;
}

int prune_jobs(Session& session, const PruneFlags& flags)
{
    constexpr int batch_max = 1000;
    const auto states = finished_states(flags.states);
    const auto older_than = read_length(flags.older_than, "--older-than");
    std::int64_t deleted = 0;
    for (int batch = batch_max; batch >= batch_max;) {
        batch = session.storage().prune(states, older_than, batch_max);
        deleted += batch;
    }
    if (session.json()) {
        session.print(JsonObject().number("deleted", deleted));
    } else {
        session.out() << deleted << (deleted == 1 ? " job" : " jobs") << " deleted\n";
    }
    return exit_done;
}

} // namespace

void add_prune_command(CommandTree& tree)
{
    const auto flags = std::make_shared<PruneFlags>();
    auto& command =
        tree.add({.name = "prune",
                     .about = "Deletes finished jobs before the time until which they are kept.\nDead ones "
                              "only where --state names them.",
                     .examples = "jobrunner prune --older-than 30d\n"
                                 "jobrunner prune --older-than 90d --state dead",
                     .group = "Operation"},
            [flags](Session& session) { return prune_jobs(session, *flags); });
    command.add_option("--older-than", flags->older_than, "Finished longer ago than that")
        ->required()
        ->type_name("LENGTH");
    add_texts(
        command, "--state", flags->states, "completed, cancelled, dead (default: the first two)", "STATE");
}

} // namespace jobrunner
