#pragma once

#include "config/config.hpp"
#include "executor/process_executor.hpp"
#include "worker/command_chunk.hpp"
#include "worker/kind_runner.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace jobrunner {

// Runs command kinds: one process per job or chunk, through the process executor.
//
// Threads: see JobRunner. The configuration is read at each start; replace it with set_config.
class CommandRunner final : public KindRunner {
public:
    CommandRunner(std::shared_ptr<const Config> config, std::string database_without_password, RunSink& sink);

    void set_config(std::shared_ptr<const Config> config) override;

    void start(const ClaimedJob& job) override;
    void start_chunk(const std::vector<ClaimedJob>& jobs) override;
    void stop(const ClaimToken& token, StopCause cause) override;
    void kill_all(StopCause cause) override;
    void lease_until(std::chrono::nanoseconds boot_time) override;

private:
    // What a job has said on descriptor 3 about its own end.
    struct Run {
        ClaimToken token;
        std::optional<StopCause> cause;
        std::optional<RunReport> said;
        std::string malformed; // the first message that was none
        Milliseconds timeout{0};
        bool wrote_live = false;
        std::string profile; // where its profile goes; empty: it has none
    };

    void on_event(ProcessEvent event);
    void on_output(const ProcessOutput& output);
    void on_message(const ProcessMessage& message);
    void on_end(ProcessEnded end);
    void take_message(ProcessKey key, const std::string& line);
    [[nodiscard]] bool take_chunk_event(const ProcessEvent& event);

    RunSink& sink_;
    std::string database_;
    mutable std::mutex mutex_;
    std::shared_ptr<const Config> config_;
    std::map<ProcessKey, Run> runs_;
    std::map<ProcessKey, CommandChunk> chunks_;
    std::map<JobId, ProcessKey> keys_;
    ProcessKey last_key_ = 0;
    std::unique_ptr<ProcessExecutor> executor_; // last: its thread uses the rest
};

} // namespace jobrunner
