#include "cli/commands.hpp"
#include "cli/terminal_text.hpp"
#include "client/explain_job.hpp"
#include "client/read_number.hpp"
#include "client/row_json.hpp"

namespace jobrunner {
namespace {

int explain(Session& session, const std::string& id_text)
{
    const JobId id = read_job_id(id_text, "ID");
    auto& storage = session.storage();
    const auto job = storage.find(id);
    if (!job) {
        throw Error(ErrorKind::not_found, "job " + std::to_string(id) + " is not found");
    }
    const auto explanation = explain_job(*job, storage.wait_facts(id), storage.parents(id));
    if (session.json()) {
        session.print(to_json(*job, explanation));
        return exit_done;
    }
    session.out() << "job " << id << " is " << to_string(job->state) << '\n';
    for (const auto& reason : explanation.reasons) {
        session.out() << "- " << shown(reason.text) << '\n';
    }
    return exit_done;
}

} // namespace

void add_explain_command(CommandTree& tree)
{
    const auto id = std::make_shared<std::string>();
    auto& command = tree.add({.name = "explain",
                                 .about = "Says why a job has not run, and when it may.",
                                 .examples = "jobrunner explain 42\njobrunner explain 42 --json",
                                 .group = "Jobs"},
        [id](Session& session) { return explain(session, *id); });
    command.add_option("ID", *id, "The job")->required()->type_name("");
}

} // namespace jobrunner
