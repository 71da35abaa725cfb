#include "executor/stdin_source.hpp"

#include <fcntl.h>
#include <sys/mman.h>

#include <cerrno>
#include <system_error>

namespace jobrunner {

namespace {

// What a pipe holds unless the user has very many of them; then a write comes back short.
constexpr std::size_t pipe_bytes = std::size_t{64} * 1024;

[[noreturn]] void fail(const char* what)
{
    throw std::system_error(errno, std::generic_category(), what);
}

// No descriptor if the pipe does not hold it all.
Descriptor try_pipe(std::string_view data)
{
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
        fail("cannot make a pipe");
    Descriptor reading(ends[0]);
    const Descriptor writing(ends[1]);
    ::fcntl(writing.get(), F_SETFL, O_NONBLOCK); // of this end only: the child's must wait
    const ssize_t written = ::write(writing.get(), data.data(), data.size());
    return written == static_cast<ssize_t>(data.size()) ? std::move(reading) : Descriptor();
}

void write_all(int file, std::string_view data)
{
    while (!data.empty()) {
        const ssize_t written = ::write(file, data.data(), data.size());
        if (written < 0 && errno != EINTR)
            fail("cannot write standard input");
        data.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(written, 0)));
    }
}

Descriptor make_memory_file(std::string_view data)
{
    Descriptor file(::memfd_create("stdin", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!file)
        fail("cannot make a memory file");
    write_all(file.get(), data);
    ::lseek(file.get(), 0, SEEK_SET);
    ::fcntl(file.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
    return file;
}

} // namespace

Descriptor make_stdin(std::string_view data)
{
    if (data.size() <= pipe_bytes)
        if (Descriptor pipe = try_pipe(data))
            return pipe;
    return make_memory_file(data);
}

} // namespace jobrunner
