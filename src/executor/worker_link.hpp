#pragma once

#include "executor/child.hpp"
#include "executor/descriptor.hpp"
#include "executor/frame_channel.hpp"
#include "executor/supervisor_protocol.hpp"

#include <optional>

namespace jobrunner {

// The supervisor's end of its socket. Never waits for the worker: what that does not take is kept, and is_congested()
// says when no more should be added than must be.
class WorkerLink {
public:
    using Time = SupervisorClock::time_point;

    // Beyond this much that the worker has not taken, the link is congested until half of it is gone.
    static constexpr std::size_t kept_bytes_max = std::size_t{2} * 1024 * 1024;

    explicit WorkerLink(Descriptor socket) : socket_(std::move(socket)), source_(frame_payload_bytes_max) {}

    [[nodiscard]] int descriptor() const { return socket_.get(); }

    // Takes what the worker has sent, in one read.
    void receive();
    [[nodiscard]] bool has_command() const { return !is_closed_ && source_.has_frame(); }
    // None once the worker is gone: what it still wanted does not matter. Throws Error if what came makes no sense.
    [[nodiscard]] std::optional<SupervisorCommand> next_command();

    void send(const SupervisorEvent& event);

    // An event that does not wake the worker by itself: it goes along with the next one, or within
    // some milliseconds.
    void send_later(const SupervisorEvent& event, Time now);

    // Hands over what is due.
    void flush(Time now);

    // When flush() has to be called next, if not because the socket takes more.
    [[nodiscard]] std::optional<Time> flush_at() const { return flush_at_; }
    [[nodiscard]] bool waits_for_room() const { return waits_for_room_; }
    [[nodiscard]] bool is_congested() const { return sink_.waiting() > kept_bytes_max; }
    [[nodiscard]] bool has_room() const { return sink_.waiting() <= kept_bytes_max / 2; }

    // The worker is there no more.
    [[nodiscard]] bool is_closed() const { return is_closed_; }

private:
    Descriptor socket_;
    FrameSource source_;
    FrameSink sink_;
    bool is_urgent_ = false;
    std::optional<Time> flush_at_;
    bool waits_for_room_ = false;
    bool is_closed_ = false;
};

} // namespace jobrunner
