#pragma once

#include "core/job.hpp"
#include "core/kind_policy.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace jobrunner {

// How an attempt ended, as its executor saw it.
enum class RunEnd {
    succeeded,
    failed,          // try again as the kind says
    failed_for_good, // no further attempt would help
    killed,          // by a signal that was not ours
    out_of_memory,   // by the kernel, for what its memory limit allows
    timed_out,
    snoozed,   // asked for a later run
    cancelled, // an operator asked, and it stopped
    released,  // handed back unfinished: drain, or a worker that cannot run it now
    crashed    // its worker is gone
};

// What an executor reports of one attempt.
struct RunReport {
    RunEnd end = RunEnd::succeeded;
    std::optional<std::string> result; // JSON
    std::string error;
    std::string error_class;
    std::string backtrace;
    std::optional<Milliseconds> delay; // asked for by the job: snooze or retry after
    std::optional<int> exit_code;
    std::optional<int> signal;
    std::optional<std::int64_t> cpu_ms;
    std::optional<std::int64_t> max_rss_bytes;
    std::optional<std::int64_t> read_bytes; // from and to storage devices, caches left out
    std::optional<std::int64_t> write_bytes;
    std::string output; // the tail that is kept
    bool wrote_live_output = false;
};

// Whether the attempt itself failed, rather than that somebody ended it or its worker was lost.
[[nodiscard]] bool is_failure(RunEnd end);

// Where a settled job goes.
enum class Verdict { complete, requeue, dead, cancelled };

// One claim to close, with everything that a storage writes about it.
struct Settlement {
    ClaimToken token;
    Verdict verdict = Verdict::complete;
    std::string outcome;              // the word in `attempts`
    std::string reason;               // why the job is not completed, for people; empty: none
    Milliseconds delay{0};            // requeue: from the database's now
    int refund = 0;                   // requeue: attempts given back, 0 or 1
    std::optional<Milliseconds> keep; // complete, cancelled: nothing: for ever; 0: not at all
    std::string kind;
    int attempt = 0;
    std::string fingerprint; // dead: what groups equal errors
    RunReport report;
};

enum class Settled {
    applied,
    completed_by_job, // the job's own code has settled this very claim
    failed_by_job,
    lost // somebody else's by now: nothing was changed
};

// Decides what becomes of a job after one attempt. `random` in [0, 1) spreads retries.
[[nodiscard]] Settlement decide(
    const ClaimedJob& job, const KindPolicy& policy, RunReport report, double random);

// A job whose worker is lost, as the database knows it: there may be no configuration for its kind here.
struct AbandonedJob {
    ClaimToken token; // the lost worker's
    std::string kind;
    int attempt = 0;
    int attempt_limit = 0;
    int crashes = 0; // before this one
    Milliseconds retry_delay{0};
};

// Decides what becomes of a job whose worker is lost. The attempt is spent; the first crash runs again at once,
// later ones wait as a failure would, and out of attempts it is dead: a job that kills its workers is no loop.
[[nodiscard]] Settlement decide_abandoned(const AbandonedJob& job);

// Groups errors that differ only in numbers, quoted text and addresses: 16 hexadecimal digits.
[[nodiscard]] std::string error_fingerprint(std::string_view error_class, std::string_view error);

} // namespace jobrunner
