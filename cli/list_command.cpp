#include "cli/commands.hpp"
#include "cli/filter_flags.hpp"
#include "cli/finished_jobs.hpp"
#include "cli/job_table.hpp"
#include "client/job_pages.hpp"
#include "client/read_number.hpp"
#include "client/row_json.hpp"

namespace jobrunner {
namespace {

struct ListFlags {
    FilterFlags filter;
    std::optional<std::string> limit;
};

int list_jobs(Session& session, const ListFlags& flags)
{
    constexpr NumberRange limits{1, 1'000'000};
    const auto limit = read_integer(flags.limit.value_or("50"), "--limit", limits);
    const auto filter = to_filter(flags.filter, session.now());
    Table table = make_job_table();
    for_each_page(session.storage(), filter, limit, [&](std::span<const JobRow> page) {
        for (const auto& job : page) {
            if (session.json()) {
                session.print(to_json(job));
            } else {
                add_job(table, job, session.now());
            }
        }
    });
    if (!session.json()) {
        session.print(table);
    }
    return exit_done;
}

} // namespace

void add_list_command(CommandTree& tree)
{
    const auto flags = std::make_shared<ListFlags>();
    auto& command = tree.add({.name = "list",
                                 .about = "Lists jobs, finished ones too, newest first.",
                                 .examples = "jobrunner list --state running,retryable\n"
                                             "jobrunner list --kind mail.send --since 1h --limit 200\n"
                                             "jobrunner list --json --tag nightly",
                                 .group = "Jobs"},
        [flags](Session& session) { return list_jobs(session, *flags); });
    add_filter_flags(command, flags->filter);
    add_text(command, "--limit", flags->limit, "At most so many (default: 50)", "N");
}

} // namespace jobrunner
