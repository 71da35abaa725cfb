#include "config/file_text.hpp"

#include "core/error.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace jobrunner {
namespace {

class OpenFile {
public:
    explicit OpenFile(const std::filesystem::path& file) : fd_(::open(file.c_str(), O_RDONLY | O_CLOEXEC)) {}
    OpenFile(const OpenFile&) = delete;
    OpenFile& operator=(const OpenFile&) = delete;
    ~OpenFile()
    {
        if (fd_ >= 0) {
            ::close(fd_);
        }
    }

    [[nodiscard]] int fd() const { return fd_; }

private:
    int fd_;
};

[[noreturn]] void refuse_file(const std::filesystem::path& file, const std::string& what)
{
    throw Error(ErrorKind::usage, file.string() + ": " + what);
}

} // namespace

FileText read_file_text(const std::filesystem::path& file)
{
    constexpr std::size_t file_bytes_max = 4 * 1024 * 1024;
    const OpenFile opened(file);
    struct stat status {};
    if (opened.fd() < 0 || ::fstat(opened.fd(), &status) != 0) {
        refuse_file(file, std::string("cannot be opened: ") + std::strerror(errno));
    }
    FileText read{{}, {status.st_mode, status.st_uid, ::geteuid()}};
    std::array<char, 16384> block{};
    for (;;) {
        const auto got = ::read(opened.fd(), block.data(), block.size());
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            refuse_file(file, std::string("cannot be read: ") + std::strerror(errno));
        }
        if (got == 0) {
            return read;
        }
        read.text.append(block.data(), static_cast<std::size_t>(got));
        if (read.text.size() > file_bytes_max) {
            refuse_file(file, "is too long; at most 4 MiB were expected");
        }
    }
}

} // namespace jobrunner
