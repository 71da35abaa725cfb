#include "test_worker.hpp"

#include "executor_fixture.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string_view>

namespace jobrunner::tests {

namespace {

constexpr std::string_view worker_argument = "__test_worker";

void print(const ProcessEvent& event)
{
    if (const auto* message = std::get_if<ProcessMessage>(&event))
        std::printf("%s\n", message->line.c_str());
    if (const auto* ended = std::get_if<ProcessEnded>(&event))
        std::printf("%s\n", ended->end == ProcessEnd::lease_lost ? "lease lost" : "ended otherwise");
    std::fflush(stdout);
}

} // namespace

std::optional<int> run_as_test_worker(int argc, char** argv)
{
    if (argc != 3 || argv[1] != worker_argument)
        return std::nullopt;
    ProcessExecutor executor(print);
    if (const int lease = std::atoi(argv[2]); lease > 0)
        executor.lease_until(BootClock::now() + std::chrono::milliseconds(lease));
    executor.start(shell(1, "setsid sh -c 'echo $$ >&3; exec sleep 600' & echo $$ >&3; sleep 600"));
    for (;;)
        ::pause();
}

TestWorker::TestWorker(std::optional<int> lease_milliseconds)
{
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    std::string argument(worker_argument);
    std::string lease = std::to_string(lease_milliseconds.value_or(0));
    char program[] = "/proc/self/exe";
    char* const arguments[] = {program, argument.data(), lease.data(), nullptr};
    REQUIRE(::posix_spawn(&pid_, program, &actions, nullptr, arguments, environ) == 0);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    output_ = ::fdopen(ends[0], "r");
}

TestWorker::~TestWorker()
{
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    std::fclose(output_);
}

std::string TestWorker::read_line()
{
    char line[200] = {};
    if (std::fgets(line, sizeof(line), output_) == nullptr)
        return {};
    std::string text = line;
    if (text.ends_with('\n'))
        text.pop_back();
    return text;
}

void TestWorker::signal(int number) const
{
    REQUIRE(::kill(pid_, number) == 0);
}

} // namespace jobrunner::tests
