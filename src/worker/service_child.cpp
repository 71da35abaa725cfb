#include "worker/service_child.hpp"

#include "core/text.hpp"
#include "worker/run_reports.hpp"

namespace jobrunner {

void ServiceRun::keep_output(std::string_view more, std::size_t bytes_max)
{
    output += more;
    if (output.size() > 2 * bytes_max) {
        output = tail_of(output, bytes_max);
    }
}

RunReport ServiceRun::ended(RunReport said, std::size_t output_max) const
{
    if (doom && said.end != RunEnd::succeeded) {
        said = doomed_report(*doom, timeout);
    } else if (!malformed.empty() && said.end == RunEnd::succeeded) {
        said = failed_report(RunEnd::failed, "MalformedMessage", malformed);
    }
    said.output = tail_of(output, output_max);
    said.wrote_live_output = wrote_live;
    return said;
}

RunReport ServiceRun::orphaned(
    const ProcessEnded& end, const std::optional<ServiceTrouble>& trouble, std::size_t output_max) const
{
    auto report = doom ? doomed_report(*doom, timeout) : orphaned_report(end, trouble);
    report.output = output.empty() ? text_of(end.output) : tail_of(output, output_max);
    report.wrote_live_output = wrote_live;
    return report;
}

void ServiceChild::remove(std::map<JobId, ServiceRun>::iterator run)
{
    if (const auto with = hand_overs.find(run->second.hand_over); --with->second == 0) {
        hand_overs.erase(with);
    }
    jobs.erase(run);
}

} // namespace jobrunner
