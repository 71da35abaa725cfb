#include "cli/commands.hpp"
#include "cli/finished_jobs.hpp"
#include "cli/job_flags.hpp"
#include "cli/progress_bar.hpp"
#include "client/bulk_enqueue.hpp"
#include "client/check_job.hpp"
#include "config/near_name.hpp"
#include "core/json_text.hpp"

#include <array>
#include <fstream>

namespace jobrunner {
namespace {

struct EnqueueFlags {
    std::optional<std::string> kind;
    std::optional<std::string> args;
    std::optional<std::string> file;
    std::optional<std::string> on_conflict;
    bool wait = false;
    JobFlags job;
};

OnConflict conflict_of(const std::optional<std::string>& word)
{
    if (!word) {
        return OnConflict::refuse;
    }
    if (*word == "skip") {
        return OnConflict::skip;
    }
    if (*word == "replace") {
        return OnConflict::replace;
    }
    if (*word == "merge") {
        return OnConflict::merge;
    }
    throw Error(ErrorKind::usage, "--on-conflict: is \"" + *word + "\"; skip, replace or merge was expected");
}

// Standard input up to the largest args that could be meant.
std::string read_args(std::istream& in)
{
    std::string text(job_line_bytes_max, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(in.gcount()));
    if (in.bad() || text.size() == job_line_bytes_max) {
        throw Error(ErrorKind::usage, "args: standard input cannot be read, or is longer than 8 MiB");
    }
    return text;
}

// A kind that no worker with this configuration runs is most likely a slip of the pen, but may be another host's.
void warn_of_unknown_kind(Session& session, const std::string& kind)
{
    const Config& config = session.config();
    if (config.kinds.empty() || find_kind(config, kind) != nullptr) {
        return;
    }
    std::vector<std::string> names;
    for (const auto& known : config.kinds) {
        names.push_back(known.policy.kind);
    }
    const auto near = near_name(kind, names);
    session.note("warning: " + config.path + " has no kind \"" + kind +
        "\"; the job waits for a worker that has it" + (near ? "; was \"" + *near + "\" meant?" : ""));
}

NewJob single_job(Session& session, const EnqueueFlags& flags)
{
    if (!flags.kind) {
        throw Error(ErrorKind::usage, "enqueue: KIND is missing; a kind, or --file, was expected");
    }
    NewJob job = to_new_job(flags.job, session.now());
    job.kind = *flags.kind;
    if (flags.args) {
        job.args = *flags.args == "-" ? read_args(session.host().in) : *flags.args;
    }
    check_new_job(job);
    return job;
}

int enqueue_one(Session& session, const EnqueueFlags& flags)
{
    const std::array<NewJob, 1> jobs{single_job(session, flags)};
    warn_of_unknown_kind(session, jobs[0].kind);
    const Enqueued added = session.storage().enqueue(jobs, conflict_of(flags.on_conflict)).at(0);
    if (session.json()) {
        session.print(JsonObject().number("id", added.id).flag("existing", added.existing));
    } else {
        session.out() << added.id << '\n';
    }
    session.out().flush();
    if (added.existing && !session.json()) {
        session.note("job " + std::to_string(added.id) + " holds that unique_key already");
    }
    return flags.wait ? wait_and_print(session, {&added.id, 1}, std::nullopt) : exit_done;
}

std::vector<JobLine> read_file(Session& session, const EnqueueFlags& flags)
{
    NewJob defaults = to_new_job(flags.job, session.now());
    defaults.kind = flags.kind.value_or("");
    if (*flags.file == "-") {
        return read_job_lines(session.host().in, "standard input", defaults);
    }
    std::ifstream in(*flags.file);
    if (!in) {
        throw Error(ErrorKind::usage,
            "--file: \"" + *flags.file + "\" cannot be opened; a readable file was expected");
    }
    return read_job_lines(in, *flags.file, defaults);
}

int enqueue_file(Session& session, const EnqueueFlags& flags)
{
    if (flags.args || flags.wait) {
        throw Error(ErrorKind::usage, "--file: takes neither args nor --wait; both are for a single job");
    }
    const auto on_conflict = conflict_of(flags.on_conflict);
    const auto lines = read_file(session, flags);
    std::size_t existing = 0;
    {
        ProgressBar bar(
            session.host().err, session.host().err_is_terminal, static_cast<std::int64_t>(lines.size()));
        const auto batch_added = [&](std::span<const JobLine> batch, std::span<const Enqueued> added) {
            for (std::size_t i = 0; i < batch.size(); ++i) {
                existing += added[i].existing ? 1 : 0;
                if (session.json()) {
                    session.print(JsonObject()
                                      .number("line", static_cast<std::int64_t>(batch[i].line))
                                      .number("id", added[i].id)
                                      .flag("existing", added[i].existing));
                }
            }
            session.out().flush();
            bar.advance(static_cast<std::int64_t>(batch.size()));
        };
        enqueue_in_batches(session.storage(), lines, on_conflict, batch_added);
    }
    if (!session.json()) {
        session.out() << lines.size() - existing << " jobs enqueued, " << existing << " existed already\n";
    }
    return exit_done;
}

} // namespace

void add_enqueue_command(CommandTree& tree)
{
    const auto flags = std::make_shared<EnqueueFlags>();
    auto& command = tree.add(
        {.name = "enqueue",
            .about = "Adds a job and prints its id, or adds all jobs of a file.",
            .examples = "jobrunner enqueue mail.send '{\"to\": \"ada@example.com\"}'\n"
                        "jobrunner enqueue report --in 5m --unique-key daily --on-conflict skip --wait\n"
                        "jobrunner enqueue --file jobs.jsonl --queue bulk",
            .group = "Jobs"},
        [flags](Session& session) {
            return flags->file ? enqueue_file(session, *flags) : enqueue_one(session, *flags);
        });
    add_text(command, "KIND", flags->kind, "What to run", "");
    add_text(
        command, "ARGS", flags->args, "Its input: a JSON object, or - for standard input (default: {})", "");
    add_text(command, "--file", flags->file,
        "JSON Lines, a job on each, members named as the columns; - for standard input", "FILE");
    command.add_flag("--wait", flags->wait, "Wait until it has finished; exit 0 only if it completed");
    add_text(command, "--on-conflict", flags->on_conflict,
        "Where the unique key is held: skip, replace or merge (default: refuse)", "WHAT");
    add_job_flags(command, flags->job);
}

} // namespace jobrunner
