#include "executor/worker_link.hpp"

namespace jobrunner {

namespace {

constexpr std::chrono::milliseconds later{10};

} // namespace

void WorkerLink::receive()
{
    if (source_.receive(socket_.get()) == FrameSource::Received::closed)
        is_closed_ = true;
}

std::optional<SupervisorCommand> WorkerLink::next_command()
{
    const auto frame = is_closed_ ? std::nullopt : source_.next();
    return frame ? std::optional(decode_command(*frame)) : std::nullopt;
}

void WorkerLink::send(const SupervisorEvent& event)
{
    encode(sink_.buffer(), event);
    is_urgent_ = true;
}

void WorkerLink::send_later(const SupervisorEvent& event, Time now)
{
    encode(sink_.buffer(), event);
    if (!flush_at_)
        flush_at_ = now + later;
}

void WorkerLink::flush(Time now)
{
    const bool is_due = is_urgent_ || waits_for_room_ || (flush_at_ && *flush_at_ <= now);
    if (!is_due || is_closed_)
        return;
    const FrameSink::Sent sent = sink_.flush(socket_.get());
    is_urgent_ = false;
    flush_at_.reset();
    waits_for_room_ = sent == FrameSink::Sent::partly;
    is_closed_ = sent == FrameSink::Sent::closed;
}

} // namespace jobrunner
