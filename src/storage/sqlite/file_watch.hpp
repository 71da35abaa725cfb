#pragma once

#include <string>

namespace jobrunner::sqlite {

// A watch on the commits to one SQLite file, by inotify on its folder. In a rollback journal's mode a commit writes the
// file itself, in WAL mode the file with -wal behind its name; other files of the folder are passed over.
//
// Never throws: without a watch it reports nothing. Threads: not thread-safe.
class FileWatch {
public:
    explicit FileWatch(const std::string& file);
    FileWatch(const FileWatch&) = delete;
    FileWatch& operator=(const FileWatch&) = delete;
    ~FileWatch();

    // Begins to watch, or begins anew: what came before is forgotten.
    void start();
    // Ends it, so that a busy process does not pile up what nobody reads.
    void stop();
    // Readable when something may have happened; -1 while it does not watch.
    [[nodiscard]] int descriptor() const { return watch_ < 0 ? -1 : inotify_; }
    // Takes in everything that has happened, and returns whether any of it concerns the file.
    [[nodiscard]] bool drain();

private:
    std::string folder_;
    std::string name_;
    int inotify_ = -1;
    int watch_ = -1;
};

} // namespace jobrunner::sqlite
