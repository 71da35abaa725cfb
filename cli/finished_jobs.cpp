#include "cli/finished_jobs.hpp"

#include "cli/terminal_text.hpp"
#include "client/row_json.hpp"
#include "client/wait_for_jobs.hpp"

namespace jobrunner {
namespace {

void print_gone(Session& session, JobId id)
{
    if (session.json()) {
        session.print(JsonObject().number("id", id).raw("state", "null"));
    } else {
        session.out() << id << " gone: it finished and is not kept, or it was deleted\n";
    }
}

void print_finished(Session& session, const JobRow& job)
{
    if (session.json()) {
        session.print(to_json(job));
        return;
    }
    const std::string trouble = job.state == JobState::completed ? "" : trouble_of(job);
    session.out() << job.id << " " << to_string(job.state) << (trouble.empty() ? "" : ": ") << shown(trouble)
                  << '\n';
}

} // namespace

std::string trouble_of(const JobRow& job)
{
    const std::string text = job.error.value_or("").empty() ? job.reason.value_or("") : *job.error;
    return text.substr(0, text.find('\n'));
}

int wait_and_print(Session& session, std::span<const JobId> ids, std::optional<Milliseconds> at_most)
{
    bool all_completed = true;
    const auto finished = [&](JobId id, const std::optional<JobRow>& job) {
        all_completed = all_completed && job && job->state == JobState::completed;
        if (job) {
            print_finished(session, *job);
        } else {
            print_gone(session, id);
        }
        session.out().flush();
    };
    if (!wait_for_jobs(session.storage(), ids, at_most, session.host().clock, finished)) {
        session.note("still unfinished after " + format_duration(*at_most));
        return exit_failed;
    }
    return all_completed ? exit_done : exit_failed;
}

} // namespace jobrunner
