#pragma once

#include "core/job.hpp"
#include "core/settlement.hpp"
#include "executor/process.hpp"
#include "worker/job_message.hpp"
#include "worker/job_runner.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace jobrunner {

// The jobs that one process of a command kind has together: from what it says of each to their reports.
//
// A job is settled as soon as the process has said how it ended; those of which it has said nothing end as the process does. The
// first job is settled last: what the process printed and took stands with it, and what it printed also with every job that
// ends with the process.
//
// Threads: not thread-safe. What it has to say to the sink is handed out by take_words(), to be said with no lock held.
class CommandChunk {
public:
    using Word = std::function<void(RunSink&)>;

    CommandChunk(const std::vector<ClaimedJob>& jobs, Milliseconds timeout);

    void on_output(const std::vector<OutputChunk>& chunks);
    // Returns by how much the process's timeout is to be extended.
    [[nodiscard]] Milliseconds on_message(const ProcessMessage& message);
    // False: it is none of the jobs that still run. True: the process must be stopped, for it cannot be told about one job only.
    [[nodiscard]] bool stop(const ClaimToken& token, StopCause cause);
    void stop_all(StopCause cause);
    void on_end(const ProcessEnded& end);

    [[nodiscard]] std::vector<Word> take_words() { return std::exchange(words_, {}); }
    // Those that have ended since this was asked last.
    [[nodiscard]] std::vector<JobId> take_ended() { return std::exchange(ended_, {}); }

private:
    struct Run {
        ClaimToken token;
        std::optional<StopCause> cause{};
        std::optional<RunReport> said{};
        std::string malformed{}; // the first message about it that was none
        bool wrote_live = false;
    };

    [[nodiscard]] Milliseconds take(const ServiceJobMessage& message);
    [[nodiscard]] RunReport report_of(const Run& run, const ProcessEnded& end) const;
    void say_end(const ClaimToken& token, RunReport report);

    JobId first_ = 0;
    std::map<JobId, Run> runs_; // those that have not been settled
    Milliseconds timeout_;
    std::string malformed_; // the first line that was about no job at all
    bool stopped_ = false;  // for one of them
    std::vector<Word> words_;
    std::vector<JobId> ended_;
};

} // namespace jobrunner
