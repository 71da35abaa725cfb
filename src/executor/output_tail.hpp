#pragma once

#include "executor/process.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace jobrunner {

// The last bytes that a process wrote on its two output streams, in the order in which they were read.
//
// Holds at most twice `bytes_max` of memory, whatever is written. A tail that alternates between the streams
// in tiny pieces is cut to `runs_max` pieces.
//
// Threads: not thread-safe.
class OutputTail {
public:
    static constexpr std::size_t runs_max = 4096;

    struct Report {
        std::vector<OutputChunk> chunks;
        std::uint64_t bytes_dropped = 0;
    };

    explicit OutputTail(std::size_t bytes_max) : bytes_max_(bytes_max) {}

    void append(OutputStream stream, std::string_view bytes);

    // Whether something was appended that no report has held or dropped.
    [[nodiscard]] bool has_news() const { return reported_ < end(); }

    // What came since the last report, oldest first, `bytes_max` of it at most; the next report goes on from
    // there. What the tail no longer holds is counted as dropped.
    [[nodiscard]] Report report(std::size_t bytes_max);

    // All that is kept.
    [[nodiscard]] std::vector<OutputChunk> chunks();

    // How many bytes came before those that are kept.
    [[nodiscard]] std::uint64_t bytes_dropped();

private:
    // Where a stretch of one stream begins. It ends where the next one begins.
    struct Run {
        std::uint64_t begin = 0;
        OutputStream stream = OutputStream::out;
    };

    // Positions count all bytes ever appended.
    [[nodiscard]] std::uint64_t end() const { return begin_ + bytes_.size(); }
    [[nodiscard]] std::vector<OutputChunk> cut(std::uint64_t from, std::uint64_t to) const;
    void begin_run(OutputStream stream);
    void trim();

    std::size_t bytes_max_;
    std::string bytes_;
    std::uint64_t begin_ = 0; // position of the first byte held
    std::vector<Run> runs_;
    std::uint64_t reported_ = 0;
};

} // namespace jobrunner
