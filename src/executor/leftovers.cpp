#include "executor/leftovers.hpp"

#include "executor/host_processes.hpp"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <thread>

namespace jobrunner {

namespace {

constexpr std::chrono::milliseconds between_looks{5};

bool bears_a_sign(const HostProcess& process, const LeftoverSigns& signs)
{
    if (std::find(signs.groups.begin(), signs.groups.end(), process.group) != signs.groups.end())
        return true;
    const std::string environment = environment_of(process.pid);
    return std::any_of(signs.marks.begin(), signs.marks.end(),
        [&](const std::string& mark) { return environment.find('\0' + mark + '\0') != std::string::npos; });
}

bool kill_once(const LeftoverSigns& signs)
{
    bool found = false;
    for (const HostProcess& process : all_host_processes()) {
        if (process.is_dead || process.pid == ::getpid() || !bears_a_sign(process, signs))
            continue;
        ::kill(process.pid, SIGKILL);
        found = true;
    }
    return found;
}

} // namespace

bool kill_leftovers(const LeftoverSigns& signs, std::chrono::milliseconds limit)
{
    if (signs.groups.empty() && signs.marks.empty())
        return true;
    const auto give_up_at = std::chrono::steady_clock::now() + limit;
    while (kill_once(signs)) {
        if (std::chrono::steady_clock::now() >= give_up_at)
            return false;
        std::this_thread::sleep_for(between_looks);
    }
    return true;
}

} // namespace jobrunner
