#pragma once

#include "executor/process.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace jobrunner {

// Cuts the bytes of descriptor 3 into lines. Never holds more than process_message_bytes_max of them.
//
// Threads: not thread-safe.
class MessageLines {
public:
    using Sink = std::function<void(std::string line, bool too_long)>;

    // Hands each line that is complete by now to the sink, empty ones left out. Of a line that becomes too long it hands the first
    // bytes, once, as soon as that is known.
    void append(std::string_view bytes, const Sink& sink);

    // Hands over what came after the last newline: the process will write no more.
    void finish(const Sink& sink);

private:
    void append_piece(std::string_view piece, const Sink& sink);
    void end_line(const Sink& sink);

    std::string line_;
    bool skipping_ = false; // inside a line that was reported as too long
};

} // namespace jobrunner
