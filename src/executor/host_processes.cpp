#include "executor/host_processes.hpp"

#include "executor/descriptor.hpp"

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>

namespace jobrunner {

namespace {

constexpr std::size_t file_bytes_max = std::size_t{1024} * 1024;

std::string read_all(const Descriptor& file)
{
    std::string text;
    char buffer[4096];
    ssize_t size = 1;
    while (size > 0 && text.size() < file_bytes_max) {
        size = ::pread(file.get(), buffer, sizeof(buffer), static_cast<off_t>(text.size()));
        text.append(buffer, static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    }
    return text;
}

std::string read_file(const std::string& path)
{
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    return file ? read_all(file) : std::string();
}

std::string path_of(pid_t pid, const char* name)
{
    return "/proc/" + std::to_string(pid) + "/" + name;
}

struct CloseFolder {
    void operator()(DIR* folder) const { ::closedir(folder); }
};

template <class Function>
void for_each_entry(const std::string& path, Function function)
{
    const std::unique_ptr<DIR, CloseFolder> folder(::opendir(path.c_str()));
    if (!folder)
        return;
    while (const dirent* entry = ::readdir(folder.get()))
        function(entry->d_name);
}

std::vector<pid_t> numbers_in(const std::string& text)
{
    std::vector<pid_t> numbers;
    const char* next = text.c_str();
    for (char* end = nullptr; const long number = std::strtol(next, &end, 10); next = end)
        numbers.push_back(static_cast<pid_t>(number));
    return numbers;
}

std::vector<pid_t> children_by_parent()
{
    std::vector<pid_t> children;
    for (const HostProcess& process : all_host_processes())
        if (process.parent == ::getpid())
            children.push_back(process.pid);
    return children;
}

} // namespace

std::optional<HostProcess> find_host_process(pid_t pid)
{
    const std::string text = read_file(path_of(pid, "stat"));
    // The name, in parentheses, may hold anything, parentheses included.
    const std::size_t name_end = text.rfind(')');
    HostProcess process{.pid = pid};
    char state = 0;
    if (name_end == std::string::npos ||
        std::sscanf(text.c_str() + name_end + 1, " %c %d %d", &state, &process.parent, &process.group) != 3)
        return std::nullopt;
    process.is_dead = state == 'Z' || state == 'X';
    return process;
}

std::vector<HostProcess> all_host_processes()
{
    std::vector<HostProcess> processes;
    for_each_entry("/proc", [&](const char* name) {
        if (const int pid = std::atoi(name); pid > 0)
            if (const auto process = find_host_process(pid))
                processes.push_back(*process);
    });
    return processes;
}

std::vector<pid_t> own_children()
{
    // Kept open: this is read whenever a child has died. A kernel may be built without it.
    static const std::string path = "/proc/self/task/" + std::to_string(::getpid()) + "/children";
    static const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    return file ? numbers_in(read_all(file)) : children_by_parent();
}

std::vector<HostProcess> descendants_of(pid_t root, const std::vector<HostProcess>& processes)
{
    std::vector<HostProcess> found;
    std::vector<pid_t> parents{root};
    for (std::size_t next = 0; next < parents.size(); ++next)
        for (const HostProcess& process : processes)
            if (process.parent == parents[next]) {
                found.push_back(process);
                parents.push_back(process.pid);
            }
    return found;
}

std::string environment_of(pid_t pid)
{
    return std::string(1, '\0') + read_file(path_of(pid, "environ"));
}

std::vector<std::uint64_t> pipes_of(pid_t pid)
{
    constexpr std::string_view prefix = "pipe:[";
    std::vector<std::uint64_t> pipes;
    const std::string folder = path_of(pid, "fd");
    for_each_entry(folder, [&](const char* name) {
        char target[64] = {};
        const ssize_t size = ::readlink((folder + "/" + name).c_str(), target, sizeof(target) - 1);
        if (size > 0 && std::string_view(target).starts_with(prefix))
            pipes.push_back(std::strtoull(target + prefix.size(), nullptr, 10));
    });
    return pipes;
}

} // namespace jobrunner
