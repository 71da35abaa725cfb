#include "cli/selection_flags.hpp"

#include "cli/job_ids.hpp"
#include "cli/job_table.hpp"

namespace jobrunner {
namespace {

std::string past_word(JobAction action)
{
    switch (action) {
    case JobAction::cancel:
        return "cancelled";
    case JobAction::retry:
        return "to be run again";
    case JobAction::remove:
        return "deleted";
    case JobAction::reschedule:
        return "rescheduled";
    case JobAction::edit:
        return "edited";
    }
    return {};
}

std::string jobs_text(std::int64_t count)
{
    return std::to_string(count) + (count == 1 ? " job" : " jobs");
}

std::string impossible_text(const ActedJob& acted, JobAction action)
{
    const std::string job = "job " + std::to_string(acted.id);
    if (acted.outcome.result == ActionResult::not_found) {
        return job + " is not found";
    }
    return job + ": " + std::string(to_string(action)) + " is not possible: " + acted.outcome.message;
}

// Prints one action's jobs as they come, and its sum.
class ActionPrinter {
public:
    ActionPrinter(Session& session, JobAction action, bool dry_run)
        : session_(session), action_(action), dry_run_(dry_run), table_(make_job_table())
    {
    }

    void job(const ActedJob& acted)
    {
        if (session_.json()) {
            print_json(acted);
            return;
        }
        const auto result = acted.outcome.result;
        if (result == ActionResult::not_found || result == ActionResult::not_possible) {
            session_.note(impossible_text(acted, action_));
            return;
        }
        requested_ += result == ActionResult::requested ? 1 : 0;
        if (dry_run_ && acted.job && table_.size() < listed_max) {
            add_job(table_, *acted.job, session_.now());
        }
    }

    void sum(const ActionTally& tally)
    {
        if (session_.json()) {
            return;
        }
        if (!table_.empty()) {
            session_.print(table_);
        }
        const auto more = tally.done - static_cast<std::int64_t>(table_.size());
        if (dry_run_ && more > 0) {
            session_.out() << "and " << more << " more (--json lists all)\n";
        }
        session_.out() << jobs_text(tally.done) << (dry_run_ ? " would be " : " ") << past_word(action_);
        if (requested_ > 0) {
            session_.out() << ", " << requested_ << " of them running: " << (dry_run_ ? "would be" : "were")
                           << " asked to stop";
        }
        session_.out() << '\n';
    }

private:
    void print_json(const ActedJob& acted)
    {
        JsonObject object;
        object.number("id", acted.id).text("action", to_string(action_)).flag("dry_run", dry_run_);
        object.text("result", to_string(acted.outcome.result));
        const auto& message = acted.outcome.message;
        session_.print(object.maybe_text("message", message.empty() ? std::nullopt : std::optional(message)));
    }

    static constexpr std::size_t listed_max = 100;

    Session& session_;
    JobAction action_;
    bool dry_run_;
    Table table_;
    std::int64_t requested_ = 0;
};

int status_of(const ActionTally& tally, bool by_ids)
{
    if (tally.not_possible > 0 && (by_ids || tally.done == 0)) {
        return exit_not_possible;
    }
    return tally.not_found > 0 && by_ids ? exit_not_found : exit_done;
}

} // namespace

void add_selection_flags(CLI::App& command, SelectionFlags& flags, const FilterNames& names)
{
    command.add_option("ID", flags.ids, "The jobs, unless filters say which")->type_name("");
    add_filter_flags(command, flags.filter, names);
    command.add_flag("--all", flags.all, "All jobs that it is possible for");
    command.add_flag("-n,--dry-run", flags.dry_run, "Say what would be done, and do nothing");
}

JobSelection to_selection(const SelectionFlags& flags, TimePoint now)
{
    const bool by_filter = is_set(flags.filter) || flags.all;
    if (flags.ids.empty() && !by_filter) {
        throw Error(
            ErrorKind::usage, "no jobs are named; ids, filters such as --kind, or --all were expected");
    }
    if (!flags.ids.empty() && by_filter) {
        throw Error(ErrorKind::usage, "ids and filters are both given; one of them was expected");
    }
    return {read_job_ids(flags.ids), to_filter(flags.filter, now)};
}

int run_action(Session& session, const JobCommand& command, const SelectionFlags& flags)
{
    const auto selection = to_selection(flags, session.now());
    ActionPrinter printer(session, command.action, flags.dry_run);
    const auto seen = [&](const ActedJob& acted) { printer.job(acted); };
    JobCommand signed_command = command;
    signed_command.actor = session.host().actor;
    const auto tally = flags.dry_run ? try_on(session.storage(), signed_command, selection, seen)
                                     : act_on(session.storage(), signed_command, selection, seen);
    printer.sum(tally);
    return status_of(tally, !selection.ids.empty());
}

} // namespace jobrunner
