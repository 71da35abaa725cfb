#include "executor/child_pipes.hpp"

#include <cerrno>

namespace jobrunner {

namespace {

// What an ordinary pipe holds.
constexpr std::size_t buffer_bytes = std::size_t{64} * 1024;

// A dead child's pipe holds no more than this, unless a living process still writes into it.
constexpr int drain_reads_max = 16;

} // namespace

ChildPipes::ChildPipes(Poller& poller, WorkerLink& link)
    : poller_(poller), link_(link), buffer_(std::make_unique_for_overwrite<char[]>(buffer_bytes))
{
}

void ChildPipes::watch(Child& child)
{
    child.wants_watch = true;
    if (is_paused_)
        return;
    for (ChildPipe& pipe : child.pipes)
        if (pipe.descriptor)
            poller_.add(pipe.descriptor.get(), &pipe);
}

void ChildPipes::pause(const ChildTable& children)
{
    is_paused_ = true;
    for (const Child* child : children.all())
        for (const ChildPipe& pipe : child->pipes)
            if (child->wants_watch && pipe.descriptor)
                poller_.remove(pipe.descriptor.get());
}

void ChildPipes::resume(const ChildTable& children)
{
    is_paused_ = false;
    for (Child* child : children.all())
        if (child->wants_watch)
            watch(*child);
}

void ChildPipes::read(ChildPipe& pipe)
{
    if (!link_.is_congested() && read_once(pipe) == Outcome::end)
        pipe.descriptor.reset(); // nobody shares it, so the poller forgets it, too
}

void ChildPipes::drain(Child& child)
{
    for (ChildPipe& pipe : child.pipes) {
        Outcome outcome = Outcome::some;
        for (int reads = 0; pipe.descriptor && outcome == Outcome::some && reads < drain_reads_max; ++reads)
            outcome = read_once(pipe);
        if (outcome == Outcome::end)
            pipe.descriptor.reset();
        else if (pipe.descriptor && child.wants_watch && !is_paused_)
            poller_.remove(pipe.descriptor.get());
    }
    child.wants_watch = false;
    end_messages(child);
}

ChildPipes::Outcome ChildPipes::read_once(ChildPipe& pipe)
{
    const ssize_t size = ::read(pipe.descriptor.get(), buffer_.get(), buffer_bytes);
    if (size < 0)
        return errno == EAGAIN || errno == EINTR ? Outcome::nothing : Outcome::end;
    if (size == 0)
        return Outcome::end;
    take(pipe, {buffer_.get(), static_cast<std::size_t>(size)});
    return Outcome::some;
}

void ChildPipes::take(ChildPipe& pipe, std::string_view bytes)
{
    Child& child = *pipe.child;
    switch (pipe.role) {
    case PipeRole::output:
        child.tail.append(OutputStream::out, bytes);
        break;
    case PipeRole::error:
        child.tail.append(OutputStream::error, bytes);
        break;
    case PipeRole::messages:
        child.messages.append(bytes, [&](std::string line, bool too_long) {
            link_.send(ProcessMessage{child.key, std::move(line), too_long});
        });
        break;
    }
}

void ChildPipes::end_messages(Child& child)
{
    child.messages.finish([&](std::string line, bool too_long) {
        link_.send(ProcessMessage{child.key, std::move(line), too_long});
    });
}

} // namespace jobrunner
