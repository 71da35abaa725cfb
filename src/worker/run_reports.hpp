#pragma once

#include "core/error.hpp"
#include "core/settlement.hpp"
#include "executor/process.hpp"
#include "worker/job_runner.hpp"

#include <optional>
#include <string>
#include <vector>

namespace jobrunner {

// Reports of attempts that did not succeed, in the words that all runners share.

[[nodiscard]] RunReport failed_report(RunEnd end, std::string error_class, std::string error);
[[nodiscard]] RunReport timed_out_report(Milliseconds timeout);
// Of a job that was told to stop: `cause` says why; nothing counts as cancelled.
[[nodiscard]] RunReport stopped_report(std::optional<StopCause> cause);
// Of an attempt whose process died of `signal`, sent by the system or by somebody else.
[[nodiscard]] RunReport killed_report(int signal);
[[nodiscard]] RunReport lease_lost_report();
[[nodiscard]] RunReport supervisor_lost_report();

// Of a job that `error` kept from being started. not_found: its kind is not run that way here any more, and
// somebody else may run it; refused: its values do not fit, now or later; usage: a secret is missing that may be
// there the next time.
[[nodiscard]] RunReport not_started_report(const Error& error);

// "SIGKILL", or "Signal99" for one without a name.
[[nodiscard]] std::string signal_name(int signal);
// What the processes of an attempt took.
void note_usage(RunReport& report, const ProcessEnded& end);
// What a process printed, as text that every database takes.
[[nodiscard]] std::string text_of(const std::vector<OutputChunk>& chunks);

} // namespace jobrunner
