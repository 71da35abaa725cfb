#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace jobrunner {

// Frames on a stream socket: a 32-bit length, one byte of type, then `length` bytes.
struct Frame {
    std::uint8_t type = 0;
    std::string_view payload;
};

// Begins a frame at the end of a string; the length is filled in by the destructor.
class FrameStart {
public:
    FrameStart(std::string& out, std::uint8_t type);
    ~FrameStart();

    FrameStart(const FrameStart&) = delete;
    FrameStart& operator=(const FrameStart&) = delete;

private:
    std::string& out_;
    std::size_t begin_;
};

// Gathers frames from a socket. Not thread-safe.
class FrameSource {
public:
    enum class Received : std::uint8_t { some, nothing, closed };

    explicit FrameSource(std::size_t payload_bytes_max) : payload_bytes_max_(payload_bytes_max) {}

    // One read that does not wait. A broken socket counts as closed.
    [[nodiscard]] Received receive(int socket);

    // The next whole frame, valid until receive() is called. Throws Error if it claims to be larger than allowed.
    [[nodiscard]] std::optional<Frame> next();

    // Whether next() would find a frame.
    [[nodiscard]] bool has_frame() const { return waiting().size() >= frame_size(); }

private:
    [[nodiscard]] std::string_view waiting() const { return std::string_view(buffer_).substr(begin_); }
    [[nodiscard]] std::size_t frame_size() const;
    void drop_what_was_taken();

    std::size_t payload_bytes_max_;
    std::string buffer_;
    std::size_t begin_ = 0; // where the next frame starts
};

// Keeps frames until a socket takes them. Not thread-safe.
class FrameSink {
public:
    enum class Sent : std::uint8_t { all, partly, closed };

    // Where frames are to be appended.
    [[nodiscard]] std::string& buffer() { return buffer_; }
    [[nodiscard]] std::size_t waiting() const { return buffer_.size() - sent_; }

    // Sends what the socket takes without waiting.
    [[nodiscard]] Sent flush(int socket);

private:
    void drop_what_was_sent();

    std::string buffer_;
    std::size_t sent_ = 0;
};

} // namespace jobrunner
