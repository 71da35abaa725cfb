#include "executor/small_memory.hpp"

#include "executor/descriptor.hpp"

#include <fcntl.h>
#include <malloc.h>
#include <sys/mman.h>

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <optional>
#include <string>

namespace jobrunner {

namespace {

struct Mapping {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
};

// From a line that begins a mapping in /proc/self/smaps: that of a file which may not be written to.
std::optional<Mapping> read_only_file(const std::string& line)
{
    Mapping mapping;
    char access[5] = {};
    char path[2] = {};
    const int found =
        std::sscanf(line.c_str(), "%lx-%lx %4s %*s %*s %*s %1s", &mapping.begin, &mapping.end, access, path);
    const bool is_one = found == 4 && access[1] == '-' && path[0] == '/';
    return is_one ? std::optional(mapping) : std::nullopt;
}

bool is_nothing(const std::string& field)
{
    return field.find(" 0 kB") != std::string::npos;
}

// The pages come back from the files when they are touched again. What was written before a mapping became
// read-only, as relocations are, would be lost: such a mapping has pages of its own, in memory or swapped out.
void release_pages_of_files()
{
    std::ifstream file("/proc/self/smaps");
    std::optional<Mapping> mapping;
    for (std::string line; std::getline(file, line);) {
        const bool is_field = line.find(':') < line.find(' ');
        if (!is_field)
            mapping = read_only_file(line);
        else if (line.starts_with("Anonymous:") && !is_nothing(line))
            mapping.reset();
        else if (line.starts_with("Swap:") && is_nothing(line) && mapping)
            ::madvise(reinterpret_cast<void*>(mapping->begin), mapping->end - mapping->begin, MADV_DONTNEED);
    }
}

// Lets the kernel measure the peak anew.
void reset_peak()
{
    const Descriptor file(::open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC));
    [[maybe_unused]] const ssize_t size = ::write(file.get(), "5", 1);
}

} // namespace

void release_unused_memory()
{
    release_pages_of_files();
    ::malloc_trim(0);
    reset_peak();
}

} // namespace jobrunner
