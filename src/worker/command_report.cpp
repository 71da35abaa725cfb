#include "worker/command_report.hpp"

#include "core/text.hpp"
#include "worker/run_reports.hpp"

namespace jobrunner {
namespace {

// Exit codes with a meaning of their own; sysexits.h calls them EX_DATAERR and EX_TEMPFAIL.
constexpr int exit_for_good = 65;
constexpr int exit_snooze = 75;

// The last line of one stream: most often what went wrong.
std::string last_words(const std::vector<OutputChunk>& chunks, OutputStream stream)
{
    std::string text;
    for (const auto& chunk : chunks) {
        text += chunk.stream == stream ? chunk.bytes : "";
    }
    return scrub_text(tail_of(last_line_of(text), 500));
}

RunReport exited_report(const ProcessEnded& end)
{
    RunReport report;
    report.exit_code = end.exit_code;
    if (end.exit_code == 0) {
        return report;
    }
    report.end = end.exit_code == exit_snooze ? RunEnd::snoozed
        : end.exit_code == exit_for_good      ? RunEnd::failed_for_good
                                              : RunEnd::failed;
    report.error_class = "ExitCode" + std::to_string(end.exit_code);
    report.error = "exit code " + std::to_string(end.exit_code);
    const std::string said = last_words(end.output, OutputStream::error);
    report.error += said.empty() ? "" : ": " + said;
    return report;
}

} // namespace

RunReport command_report(const ProcessEnded& end, std::optional<StopCause> cause, Milliseconds timeout)
{
    switch (end.end) {
    case ProcessEnd::exited:
        return exited_report(end);
    case ProcessEnd::signalled:
        return killed_report(end.signal);
    case ProcessEnd::timed_out:
        return timed_out_report(timeout);
    case ProcessEnd::stopped:
        return stopped_report(cause);
    case ProcessEnd::lease_lost:
        return lease_lost_report();
    case ProcessEnd::spawn_failed:
        return failed_report(RunEnd::failed, "SpawnFailed", end.error);
    case ProcessEnd::supervisor_lost:
        break;
    }
    return supervisor_lost_report();
}

} // namespace jobrunner
