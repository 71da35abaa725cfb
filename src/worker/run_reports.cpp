#include "worker/run_reports.hpp"

#include "core/text.hpp"

#include <csignal>
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

RunReport killed_report(int signal)
{
    const std::string name = signal_name(signal);
    auto report = failed_report(RunEnd::killed, name, "killed by " + name);
    report.error += signal == SIGXCPU ? ": it has used up its processor time"
        : signal == SIGXFSZ           ? ": it has written more to a file than it may"
                                      : "";
    report.signal = signal;
    return report;
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

void note_usage(RunReport& report, const ProcessEnded& end)
{
    constexpr std::int64_t block_bytes = 512;
    report.cpu_ms = end.cpu.count();
    report.max_rss_bytes = static_cast<std::int64_t>(end.max_rss_bytes);
    report.read_bytes = static_cast<std::int64_t>(end.blocks_in) * block_bytes;
    report.write_bytes = static_cast<std::int64_t>(end.blocks_out) * block_bytes;
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
