#include "worker/run_reports.hpp"

#include "core/text.hpp"

#include <cstring>

namespace jobrunner {

RunReport failed_report(RunEnd end, std::string error_class, std::string error)
{
    RunReport report;
    report.end = end;
    report.error_class = std::move(error_class);
    report.error = std::move(error);
    return report;
}

RunReport timed_out_report(Milliseconds timeout)
{
    return failed_report(RunEnd::timed_out, "Timeout", "timed out after " + format_duration(timeout));
}

RunReport stopped_report(std::optional<StopCause> cause)
{
    return failed_report(cause == StopCause::released ? RunEnd::released : RunEnd::cancelled, {}, {});
}

RunReport lease_lost_report()
{
    return failed_report(RunEnd::crashed, "LeaseLost", "its worker's lease ended");
}

RunReport supervisor_lost_report()
{
    return failed_report(
        RunEnd::crashed, "SupervisorLost", "the process supervisor died, and the job with it");
}

RunReport not_started_report(const Error& error)
{
    switch (error.kind()) {
    case ErrorKind::not_found:
        return failed_report(RunEnd::released, {}, error.what());
    case ErrorKind::refused:
        return failed_report(RunEnd::failed_for_good, "BadArguments", error.what());
    case ErrorKind::usage:
        return failed_report(RunEnd::failed, "SecretMissing", error.what());
    default:
        return failed_report(RunEnd::failed, "NotStarted", error.what());
    }
}

std::string signal_name(int signal)
{
    const char* name = ::sigabbrev_np(signal);
    return name != nullptr ? "SIG" + std::string(name) : "Signal" + std::to_string(signal);
}

std::string text_of(const std::vector<OutputChunk>& chunks)
{
    std::string text;
    for (const auto& chunk : chunks) {
        text += chunk.bytes;
    }
    return scrub_text(text);
}

} // namespace jobrunner
