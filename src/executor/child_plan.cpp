#include "executor/child_plan.hpp"

#include "executor/program_path.hpp"

#include <unistd.h>

#include <algorithm>

namespace jobrunner {

namespace {

// How long a process that ignores SIGXCPU may go on.
constexpr rlim_t cpu_seconds_after_signal = 5;

std::vector<char*> pointers(const std::vector<std::string>& texts)
{
    std::vector<char*> result;
    result.reserve(texts.size() + 1);
    for (const std::string& text : texts)
        result.push_back(const_cast<char*>(text.c_str())); // execve takes them so, and changes none
    result.push_back(nullptr);
    return result;
}

// A limit that is stricter already stays: nobody but root could raise it.
void add_limit(std::vector<ResourceLimit>& limits, __rlimit_resource resource,
    const std::optional<std::uint64_t>& wanted, rlim_t hard_extra = 0)
{
    if (!wanted)
        return;
    rlimit present{};
    ::getrlimit(resource, &present);
    const rlim_t soft = std::min<rlim_t>(*wanted, present.rlim_max);
    const rlim_t hard = std::min<rlim_t>(soft + hard_extra, present.rlim_max);
    limits.push_back({resource, {soft, hard}});
}

std::vector<ResourceLimit> limits_of(const ProcessLimits& wanted, const rlimit& present_open_files)
{
    std::vector<ResourceLimit> limits{{RLIMIT_NOFILE, present_open_files}};
    if (wanted.open_files)
        limits.clear();
    add_limit(limits, RLIMIT_NOFILE, wanted.open_files);
    add_limit(limits, RLIMIT_AS, wanted.memory_bytes);
    add_limit(limits, RLIMIT_CPU, wanted.cpu_seconds, cpu_seconds_after_signal);
    add_limit(limits, RLIMIT_NPROC, wanted.processes);
    add_limit(limits, RLIMIT_FSIZE, wanted.file_size_bytes);
    return limits;
}

} // namespace

ChildPlan::ChildPlan(const StartCommand& start, const rlimit& present_open_files)
    : command(start),
      supervisor(::getpid()),
      limits(limits_of(start.spec.limits, present_open_files)),
      program_paths(jobrunner::program_paths(start.spec.argv.front(), start.spec.environment)),
      argv(pointers(start.spec.argv)),
      environment(pointers(start.spec.environment))
{
}

} // namespace jobrunner
