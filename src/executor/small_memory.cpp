#include "executor/small_memory.hpp"

#include "executor/descriptor.hpp"

#include <fcntl.h>
#include <malloc.h>
#include <sys/mman.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>

namespace jobrunner {

namespace {

// One line of /proc/self/maps.
struct Mapping {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    char access[5] = {};
    char path[2] = {};
};

// Code is read from its file again when it is needed. Other mappings of files may hold changes.
bool is_code(const std::string& line, Mapping& mapping)
{
    return std::sscanf(line.c_str(), "%lx-%lx %4s %*s %*s %*s %1s", &mapping.begin, &mapping.end,
               mapping.access, mapping.path) == 4 &&
        std::strcmp(mapping.access, "r-xp") == 0 && mapping.path[0] == '/';
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
    std::ifstream maps("/proc/self/maps");
    Mapping mapping;
    for (std::string line; std::getline(maps, line);)
        if (is_code(line, mapping))
            ::madvise(reinterpret_cast<void*>(mapping.begin), mapping.end - mapping.begin, MADV_DONTNEED);
    ::malloc_trim(0);
    reset_peak();
}

} // namespace jobrunner
