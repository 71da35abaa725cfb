#pragma once

#include "storage/storage.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jobrunner {

// What is left of `kept`, the end of a process's output, once `printed`, its beginning, has been shown.
[[nodiscard]] std::string_view unseen_part(std::string_view printed, std::string_view kept);

// Everything that a job has printed, read bit by bit while it runs and from what is kept afterwards, each part once.
//
// Not thread-safe. Holds a reference to the storage.
class JobLog {
public:
    JobLog(Storage& storage, JobId id) : storage_(storage), id_(id) {}

    // What is new since the last call, oldest first. Parts of kept output have the stream "kept" and sequence 0.
    // Throws Error{not_found} when there is no such job at the first call.
    [[nodiscard]] std::vector<OutputRow> read();

    // Whether the last call has seen the job's end, so that nothing more comes.
    [[nodiscard]] bool at_end() const { return at_end_; }

private:
    void read_live(std::vector<OutputRow>& parts);
    void read_kept(const JobRow& job, std::vector<OutputRow>& parts);
    void add_kept(
        int fence, const std::optional<Instant>& at, const std::string& kept, std::vector<OutputRow>& parts);

    Storage& storage_;
    JobId id_;
    int live_fence_ = 0;
    int live_sequence_ = -1;
    int kept_through_ = 0;            // the last fence whose kept output has been read
    std::map<int, std::string> live_; // by fence: what was read of it while it ran, or the end of that
    bool seen_ = false;
    bool at_end_ = false;
};

} // namespace jobrunner
