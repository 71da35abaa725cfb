#include "executor/frame_channel.hpp"

#include "core/error.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace jobrunner {

namespace {

constexpr std::size_t header_bytes = sizeof(std::uint32_t) + 1;
constexpr std::size_t read_bytes_min = std::size_t{16} * 1024;
constexpr std::size_t read_bytes_max = std::size_t{1024} * 1024;

// A buffer that has once held much more than this gives its memory back.
constexpr std::size_t kept_bytes_max = std::size_t{256} * 1024;

std::uint32_t length_at(std::string_view bytes)
{
    std::uint32_t length = 0;
    std::memcpy(&length, bytes.data(), sizeof(length));
    return length;
}

void forget_front(std::string& buffer, std::size_t size)
{
    buffer.erase(0, size);
    if (buffer.empty() && buffer.capacity() > kept_bytes_max)
        std::string().swap(buffer);
}

} // namespace

FrameStart::FrameStart(std::string& out, std::uint8_t type) : out_(out), begin_(out.size())
{
    out_.append(sizeof(std::uint32_t), '\0');
    out_.push_back(static_cast<char>(type));
}

FrameStart::~FrameStart()
{
    const auto length = static_cast<std::uint32_t>(out_.size() - begin_ - header_bytes);
    std::memcpy(out_.data() + begin_, &length, sizeof(length));
}

std::size_t FrameSource::frame_size() const
{
    const std::string_view bytes = waiting();
    return bytes.size() < header_bytes ? header_bytes : header_bytes + length_at(bytes);
}

void FrameSource::drop_what_was_taken()
{
    if (begin_ == 0)
        return;
    forget_front(buffer_, begin_);
    begin_ = 0;
}

FrameSource::Received FrameSource::receive(int socket)
{
    drop_what_was_taken();
    const std::size_t had = buffer_.size();
    const std::size_t missing = std::max(frame_size(), had) - had;
    buffer_.resize(had + std::clamp(missing, read_bytes_min, read_bytes_max));
    const ssize_t size = ::recv(socket, buffer_.data() + had, buffer_.size() - had, MSG_DONTWAIT);
    const int error = errno;
    buffer_.resize(had + static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    if (size > 0)
        return Received::some;
    return size < 0 && (error == EAGAIN || error == EINTR) ? Received::nothing : Received::closed;
}

std::optional<Frame> FrameSource::next()
{
    const std::string_view bytes = waiting();
    if (bytes.size() < header_bytes)
        return std::nullopt;
    const std::size_t length = length_at(bytes);
    if (length > payload_bytes_max_)
        throw Error(ErrorKind::internal, "supervisor: a frame of " + std::to_string(length) + " bytes");
    if (bytes.size() < header_bytes + length)
        return std::nullopt;
    begin_ += header_bytes + length;
    return Frame{static_cast<std::uint8_t>(bytes[sizeof(std::uint32_t)]), bytes.substr(header_bytes, length)};
}

void FrameSink::drop_what_was_sent()
{
    // Moving the rest forward is worth it only when that is the smaller half.
    if (sent_ * 2 < buffer_.size())
        return;
    forget_front(buffer_, sent_);
    sent_ = 0;
}

FrameSink::Sent FrameSink::flush(int socket)
{
    while (waiting() > 0) {
        const ssize_t size = ::send(socket, buffer_.data() + sent_, waiting(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0)
            return errno == EAGAIN ? Sent::partly : Sent::closed;
        sent_ += static_cast<std::size_t>(size);
        drop_what_was_sent();
    }
    return Sent::all;
}

} // namespace jobrunner
