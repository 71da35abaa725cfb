#include "storage/sqlite/file_watch.hpp"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string_view>

namespace jobrunner::sqlite {

FileWatch::FileWatch(const std::string& file) : inotify_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC))
{
    namespace fs = std::filesystem;
    std::error_code failure;
    // SQLite follows links, and keeps the -wal beside the file that they lead to.
    fs::path real = fs::weakly_canonical(file, failure);
    if (failure) {
        real = fs::absolute(file, failure);
    }
    folder_ = real.parent_path().string();
    name_ = real.filename().string();
}

FileWatch::~FileWatch()
{
    if (inotify_ >= 0) {
        ::close(inotify_);
    }
}

void FileWatch::start()
{
    if (inotify_ >= 0) {
        watch_ = ::inotify_add_watch(inotify_, folder_.c_str(), IN_MODIFY | IN_MOVED_TO | IN_ONLYDIR);
        static_cast<void>(drain());
    }
}

void FileWatch::stop()
{
    if (watch_ >= 0) {
        ::inotify_rm_watch(inotify_, watch_);
        watch_ = -1;
    }
}

bool FileWatch::drain()
{
    bool ours = false;
    alignas(inotify_event) std::array<char, 16 * 1024> buffer{};
    for (;;) {
        const ssize_t size = ::read(inotify_, buffer.data(), buffer.size());
        if (size <= 0) {
            return ours;
        }
        for (ssize_t at = 0; at < size;) {
            inotify_event event{};
            std::memcpy(&event, buffer.data() + at, sizeof event);
            const std::string_view name = event.len > 0 ? buffer.data() + at + sizeof event : "";
            ours = ours || (event.mask & IN_Q_OVERFLOW) != 0 || name == name_ || name == name_ + "-wal";
            if ((event.mask & IN_IGNORED) != 0 && event.wd == watch_) {
                watch_ = -1; // The folder is gone.
            }
            at += static_cast<ssize_t>(sizeof event + event.len);
        }
    }
}

} // namespace jobrunner::sqlite
