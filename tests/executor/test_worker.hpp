#pragma once

#include <sys/types.h>

#include <cstdio>
#include <optional>
#include <string>

namespace jobrunner::tests {

// A worker in a process of its own, for tests that stop or kill it. It runs one process with a descendant
// in another session and prints a line for each event: the pids that these send, and how it ended.
class TestWorker {
public:
    // With a lease of so many milliseconds, or without one.
    explicit TestWorker(std::optional<int> lease_milliseconds);
    ~TestWorker();

    TestWorker(const TestWorker&) = delete;
    TestWorker& operator=(const TestWorker&) = delete;

    [[nodiscard]] pid_t pid() const { return pid_; }

    // Waits for the next line it prints; empty when it is gone.
    [[nodiscard]] std::string read_line();

    void signal(int number) const;

private:
    pid_t pid_ = -1;
    std::FILE* output_ = nullptr;
};

// The worker's side, for main(): none if these are not its arguments.
[[nodiscard]] std::optional<int> run_as_test_worker(int argc, char** argv);

} // namespace jobrunner::tests
