#include "cli/commands.hpp"
#include "cli/job_table.hpp"
#include "cli/terminal_text.hpp"
#include "cli/time_for_people.hpp"
#include "client/read_number.hpp"
#include "client/row_json.hpp"

#include <algorithm>

namespace jobrunner {
namespace {

std::string count_text(int count)
{
    return count == 0 ? "" : std::to_string(count);
}

std::string bytes_text(const std::optional<std::int64_t>& bytes)
{
    return bytes ? rough_bytes(*bytes) : "";
}

std::string length_text(const std::optional<std::int64_t>& milliseconds)
{
    return milliseconds ? rough_length(Milliseconds(*milliseconds)) : "";
}

// "40%, half way"
std::string progress_text(const ProgressRow& progress)
{
    const std::string percent = progress.percent ? percent_text(*progress.percent) + "%" : "";
    const std::string note = progress.note.value_or("");
    return percent + (percent.empty() || note.empty() ? "" : ", ") + note;
}

void print_facts(Session& session, const JobRow& job, const std::optional<ProgressRow>& progress)
{
    Facts facts;
    facts.add("id", std::to_string(job.id));
    facts.add("state", std::string(to_string(job.state)));
    facts.add("kind", job.kind);
    facts.add("queue", job.queue);
    facts.add("priority", std::to_string(job.priority));
    facts.add("args", job.args);
    facts.add("attempt", attempts_text(job));
    facts.add("created", session.time(job.created_at));
    facts.add("runs at", job.finished_at ? "" : session.time(job.run_at));
    facts.add("first started", session.time(job.started_at));
    facts.add("last started", session.time(job.claimed_at));
    facts.add("finished", session.time(job.finished_at));
    facts.add("expires", session.time(job.expires_at));
    facts.add("timeout", job.timeout ? format_duration(*job.timeout) : "");
    facts.add("worker", job.worker ? std::to_string(*job.worker) : "");
    facts.add("crashes", count_text(job.crashes));
    facts.add("snoozes", count_text(job.snoozes));
    facts.add("give-backs", count_text(job.give_backs));
    facts.add("unique key", job.unique_key.value_or(""));
    facts.add("tags", joined(job.tags));
    facts.add("meta", job.meta == "{}" ? "" : job.meta);
    facts.add("progress", progress ? progress_text(*progress) : "");
    facts.add("said at", progress ? session.time(progress->updated_at) : "");
    facts.add("checkpoint", progress ? progress->checkpoint.value_or("") : "");
    facts.add("reason", job.reason.value_or(""));
    facts.add("error", job.error.value_or(""));
    facts.add("result", job.result.value_or(""));
    facts.add("processor time", length_text(job.cpu_ms));
    facts.add("memory", bytes_text(job.max_rss_bytes));
    facts.add("read from disk", bytes_text(job.read_bytes));
    facts.add("written to disk", bytes_text(job.write_bytes));
    facts.print(session.out());
}

// "exit 1", "signal 9"
std::string end_of(const AttemptRow& attempt)
{
    if (attempt.signal) {
        return "signal " + std::to_string(*attempt.signal);
    }
    return attempt.exit_code ? "exit " + std::to_string(*attempt.exit_code) : "";
}

void print_attempts(Session& session, const std::vector<AttemptRow>& attempts)
{
    if (attempts.empty()) {
        return;
    }
    Table table({{.title = "RUN", .right = true}, {.title = "ATTEMPT", .right = true}, {.title = "OUTCOME"},
        {.title = "END"}, {.title = "FINISHED"}, {.title = "CPU", .right = true},
        {.title = "MEMORY", .right = true}, {.title = "READ", .right = true},
        {.title = "WRITTEN", .right = true}, {.title = "ERROR", .may_shrink = true}});
    for (const auto& attempt : attempts) {
        const std::string error_class = attempt.error_class.value_or("");
        table.add({std::to_string(attempt.fence), std::to_string(attempt.attempt), attempt.outcome,
            end_of(attempt), short_time(session.now(), attempt.finished_at), length_text(attempt.cpu_ms),
            bytes_text(attempt.max_rss_bytes), bytes_text(attempt.read_bytes),
            bytes_text(attempt.write_bytes),
            (error_class.empty() ? "" : error_class + ": ") + attempt.error.value_or("")});
    }
    session.out() << '\n';
    session.print(table);
}

// Of the last attempt that left one; --json has those of all.
void print_backtrace(Session& session, const std::vector<AttemptRow>& attempts)
{
    const auto last = std::find_if(attempts.rbegin(), attempts.rend(),
        [](const AttemptRow& attempt) { return attempt.backtrace.has_value(); });
    if (last == attempts.rend()) {
        return;
    }
    std::string_view backtrace = *last->backtrace;
    if (backtrace.ends_with('\n')) {
        backtrace.remove_suffix(1);
    }
    session.out() << "\nbacktrace of run " << last->fence << ":\n" << shown_lines(backtrace) << '\n';
}

// The last lines of the output; `logs` shows all that is kept.
void print_output(Session& session, const JobRow& job)
{
    constexpr int lines_max = 10;
    std::string_view output = job.output ? std::string_view(*job.output) : std::string_view();
    if (output.ends_with('\n')) {
        output.remove_suffix(1);
    }
    if (output.empty()) {
        return;
    }
    std::size_t begin = output.size();
    for (int lines = 0; lines < lines_max && begin != std::string_view::npos && begin > 0; ++lines) {
        begin = output.rfind('\n', begin - 1);
    }
    const bool whole = begin == std::string_view::npos || begin == 0;
    session.out() << (whole ? "\noutput:\n" : "\nend of the output:\n")
                  << shown_lines(whole ? output : output.substr(begin + 1)) << '\n';
}

void print_json(Session& session, const JobRow& job, const std::optional<ProgressRow>& progress,
    const std::vector<AttemptRow>& attempts)
{
    std::string list = "[";
    for (const auto& attempt : attempts) {
        list += (list.size() > 1 ? "," : "") + to_json(attempt).str();
    }
    JsonObject object = to_json(job);
    object.raw("progress", progress ? to_json(*progress).str() : "null");
    session.print(object.raw("attempts", list + "]"));
}

int show_job(Session& session, const std::string& id_text)
{
    const JobId id = read_job_id(id_text, "ID");
    const auto job = session.storage().find(id);
    if (!job) {
        throw Error(ErrorKind::not_found, "job " + std::to_string(id) + " is not found");
    }
    const auto attempts = session.storage().attempts(id);
    const auto progress = session.storage().progress(id);
    if (session.json()) {
        print_json(session, *job, progress, attempts);
        return exit_done;
    }
    print_facts(session, *job, progress);
    print_attempts(session, attempts);
    print_backtrace(session, attempts);
    print_output(session, *job);
    return exit_done;
}

} // namespace

void add_show_command(CommandTree& tree)
{
    const auto id = std::make_shared<std::string>();
    auto& command = tree.add(
        {.name = "show",
            .about = "Shows all that is known of a job: itself, its progress, its attempts, its output.",
            .examples = "jobrunner show 42\njobrunner show 42 --json",
            .group = "Jobs"},
        [id](Session& session) { return show_job(session, *id); });
    command.add_option("ID", *id, "The job")->required()->type_name("");
}

} // namespace jobrunner
