#include "worker/service_report.hpp"

#include "core/text.hpp"
#include "worker/run_reports.hpp"

namespace jobrunner {

bool died_by_itself(const ProcessEnded& end)
{
    return end.end == ProcessEnd::exited || end.end == ProcessEnd::signalled ||
        end.end == ProcessEnd::spawn_failed;
}

std::string death_of(const ProcessEnded& end)
{
    if (end.end != ProcessEnd::exited && end.end != ProcessEnd::signalled) {
        return end.error;
    }
    return end.signal == 0 ? "it exited with " + std::to_string(end.exit_code)
                           : "it was killed by " + signal_name(end.signal);
}

std::string last_words_of(const ProcessEnded& end)
{
    const std::string printed = text_of(end.output);
    return std::string(tail_of(last_line_of(printed), 500));
}

RunReport doomed_report(RunEnd doom, Milliseconds timeout)
{
    return doom == RunEnd::timed_out ? timed_out_report(timeout) : failed_report(doom, {}, {});
}

RunReport orphaned_report(const ProcessEnded& end, const std::optional<ServiceTrouble>& trouble)
{
    if (end.end == ProcessEnd::lease_lost) {
        return lease_lost_report();
    }
    if (end.end == ProcessEnd::supervisor_lost) {
        return supervisor_lost_report();
    }
    if (trouble) {
        return failed_report(RunEnd::failed, trouble->error_class, trouble->what);
    }
    if (!died_by_itself(end)) {
        return failed_report(RunEnd::released, {}, "its service's process was stopped for another job");
    }
    const std::string said = last_words_of(end);
    auto report = failed_report(end.signal == 0 ? RunEnd::failed : RunEnd::killed, "ServiceCrashed",
        "the service's process died: " + death_of(end) + (said.empty() ? "" : ": " + said));
    report.exit_code = end.signal == 0 ? std::optional(end.exit_code) : std::nullopt;
    report.signal = end.signal != 0 ? std::optional(end.signal) : std::nullopt;
    return report;
}

} // namespace jobrunner
