#pragma once

#include "executor/process_executor.hpp"

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace jobrunner::tests {

// Far longer than anything here takes, so that a test fails only when something does not happen.
inline constexpr std::chrono::seconds patience{30};

// Polls until the condition holds. Returns false when patience is at its end.
[[nodiscard]] bool eventually(const std::function<bool()>& condition);

// Whether a process runs; one that is dead but not waited for does not.
[[nodiscard]] bool is_alive(pid_t pid);

// All pids that a text names, one a line.
[[nodiscard]] std::vector<pid_t> pids_in(const std::string& text);

// A child with a shell that runs a script, and a PATH.
[[nodiscard]] ProcessSpec shell(ProcessKey key, const std::string& script);

[[nodiscard]] std::string text_of(const std::vector<OutputChunk>& chunks, OutputStream stream);
[[nodiscard]] std::string output_of(const ProcessEnded& ended);
[[nodiscard]] std::string errors_of(const ProcessEnded& ended);

// Keeps the events of an executor and lets a test wait for them.
class EventLog {
public:
    void take(ProcessEvent event);

    // Fail the test when patience is at its end.
    [[nodiscard]] ProcessEnded wait_for_end(ProcessKey key);
    [[nodiscard]] pid_t wait_for_start(ProcessKey key);
    // The messages of a process, as soon as it has sent so many.
    [[nodiscard]] std::vector<ProcessMessage> wait_for_messages(ProcessKey key, std::size_t count);
    // The live output of a process, as soon as it holds the text.
    [[nodiscard]] std::string wait_for_output(ProcessKey key, const std::string& text);

    // What has come so far.
    [[nodiscard]] std::vector<ProcessMessage> messages(ProcessKey key);
    [[nodiscard]] std::string live_output(ProcessKey key);
    [[nodiscard]] std::size_t ends();

private:
    void wait(const char* what, const std::function<bool()>& condition, std::unique_lock<std::mutex>& lock);

    std::mutex mutex_;
    std::condition_variable changed_;
    std::map<ProcessKey, pid_t> started_;
    std::map<ProcessKey, ProcessEnded> ended_;
    std::map<ProcessKey, std::vector<ProcessMessage>> messages_;
    std::map<ProcessKey, std::string> live_;
};

struct ExecutorFixture {
    explicit ExecutorFixture(ProcessExecutorOptions options = {})
        : executor([this](ProcessEvent event) { events.take(std::move(event)); }, std::move(options))
    {
    }

    ProcessEnded run(ProcessSpec spec);

    // The supervisor of this executor.
    [[nodiscard]] static pid_t supervisor_pid();

    EventLog events;
    ProcessExecutor executor;
};

} // namespace jobrunner::tests
