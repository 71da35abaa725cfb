#include "cli/commands.hpp"
#include "cli/finished_jobs.hpp"
#include "cli/job_ids.hpp"

namespace jobrunner {
namespace {

struct WaitFlags {
    std::vector<std::string> ids;
    std::optional<std::string> timeout;
};

int wait_for(Session& session, const WaitFlags& flags)
{
    const auto ids = read_job_ids(flags.ids);
    const auto at_most =
        flags.timeout ? std::optional(read_length(*flags.timeout, "--timeout")) : std::nullopt;
    return wait_and_print(session, ids, at_most);
}

} // namespace

void add_wait_command(CommandTree& tree)
{
    const auto flags = std::make_shared<WaitFlags>();
    auto& command =
        tree.add({.name = "wait",
                     .about = "Waits until jobs have finished; exits 0 only if all of them completed.",
                     .examples = "jobrunner wait 42 43\njobrunner wait 42 --timeout 10m",
                     .group = "Jobs"},
            [flags](Session& session) { return wait_for(session, *flags); });
    command.add_option("ID", flags->ids, "The jobs")->required()->type_name("");
    add_text(command, "--timeout", flags->timeout, "Give up after that long", "LENGTH");
}

} // namespace jobrunner
