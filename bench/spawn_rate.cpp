// How fast commands start and end: the machine's bare rate (posix_spawn and waitpid) beside the rate through
// ProcessExecutor, with as many processes at once.
//
//   bench_spawn_rate [--in-flight N] [--seconds S] [--rounds R] [--program PATH]
//
// Rounds alternate between the two, so that a change of the machine's mood meets both alike.

#include "executor/process_executor.hpp"
#include "executor/supervisor.hpp"

#include <CLI/CLI.hpp>
#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

struct Settings {
    unsigned in_flight = 2;
    double seconds = 2;
    unsigned rounds = 5;
    std::string program = "/bin/true";
};

double rate(unsigned long count, Clock::time_point since)
{
    return static_cast<double>(count) / std::chrono::duration<double>(Clock::now() - since).count();
}

void spawn_bare(const Settings& settings)
{
    std::string program = settings.program;
    char* const argv[] = {program.data(), nullptr};
    char* const environment[] = {nullptr};
    pid_t pid = 0;
    if (::posix_spawn(&pid, program.c_str(), nullptr, nullptr, argv, environment) != 0) {
        std::perror(program.c_str());
        std::exit(1);
    }
}

double bare_rate(const Settings& settings)
{
    const auto begin = Clock::now();
    const auto end = begin + std::chrono::duration<double>(settings.seconds);
    unsigned long ended = 0;
    for (unsigned running = 0; running < settings.in_flight; ++running)
        spawn_bare(settings);
    for (; Clock::now() < end; ++ended) {
        ::waitpid(-1, nullptr, 0);
        spawn_bare(settings);
    }
    for (unsigned running = 0; running < settings.in_flight; ++running, ++ended)
        ::waitpid(-1, nullptr, 0);
    return rate(ended, begin);
}

// Keeps a number of processes running for some time: each that ends is followed by another.
class ExecutorRun {
public:
    explicit ExecutorRun(const Settings& settings)
        : settings_(settings), executor_([this](jobrunner::ProcessEvent event) { take(event); })
    {
    }

    double measure()
    {
        const auto begin = Clock::now();
        end_ = begin +
            std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(settings_.seconds));
        ended_ = 0;
        running_ = settings_.in_flight;
        for (unsigned count = 0; count < settings_.in_flight; ++count)
            start_one();
        std::unique_lock lock(mutex_);
        all_ended_.wait(lock, [&] { return running_ == 0; });
        return rate(ended_, begin);
    }

private:
    void start_one() { executor_.start({.key = ++last_key_, .argv = {settings_.program}}); }

    void take(const jobrunner::ProcessEvent& event)
    {
        const auto* ended = std::get_if<jobrunner::ProcessEnded>(&event);
        if (ended == nullptr)
            return;
        if (ended->end != jobrunner::ProcessEnd::exited) {
            std::fprintf(stderr, "%s\n", ended->error.c_str());
            std::exit(1);
        }
        const std::lock_guard lock(mutex_);
        ++ended_;
        if (Clock::now() < end_)
            start_one();
        else if (--running_ == 0)
            all_ended_.notify_one();
    }

    const Settings settings_;
    std::mutex mutex_;
    std::condition_variable all_ended_;
    std::atomic<jobrunner::ProcessKey> last_key_{0};
    Clock::time_point end_;
    unsigned long ended_ = 0;
    unsigned running_ = 0;
    jobrunner::ProcessExecutor executor_;
};

void print_ratios(std::vector<double> ratios)
{
    std::sort(ratios.begin(), ratios.end());
    std::printf(
        "ratio: min %.3f  median %.3f  max %.3f\n", ratios.front(), ratios[ratios.size() / 2], ratios.back());
}

} // namespace

int main(int argc, char** argv)
{
    if (const auto descriptor = jobrunner::supervisor_descriptor(argc, argv))
        return jobrunner::run_supervisor(*descriptor);

    Settings settings;
    CLI::App app("Compares the executor's rate of processes with the machine's");
    app.add_option("--in-flight", settings.in_flight, "processes at once")->check(CLI::PositiveNumber);
    app.add_option("--seconds", settings.seconds, "length of one measurement")->check(CLI::PositiveNumber);
    app.add_option("--rounds", settings.rounds, "measurements of each")->check(CLI::PositiveNumber);
    app.add_option("--program", settings.program, "what to run");
    CLI11_PARSE(app, argc, argv);

    std::vector<double> ratios;
    for (unsigned round = 0; round < settings.rounds; ++round) {
        const double bare = bare_rate(settings);
        const double supervised = ExecutorRun(settings).measure();
        ratios.push_back(supervised / bare);
        std::printf("bare %7.0f/s  executor %7.0f/s  ratio %.3f\n", bare, supervised, ratios.back());
    }
    print_ratios(ratios);
    return 0;
}
