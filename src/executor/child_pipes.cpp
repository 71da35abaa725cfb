#include "executor/child_pipes.hpp"

#include <unistd.h>

#include <cerrno>

namespace jobrunner {

namespace {

// What an ordinary pipe holds.
constexpr std::size_t buffer_bytes = std::size_t{64} * 1024;

// A dead child's pipe holds no more than this, unless a living process still writes into it.
constexpr int drain_reads_max = 16;

// How much a child must have taken before the worker is told, unless nothing is left.
constexpr std::uint64_t report_bytes = std::uint64_t{32} * 1024;
constexpr std::size_t error_report_bytes_max = std::size_t{64} * 1024;

} // namespace

ChildPipes::ChildPipes(Poller& poller, WorkerLink& link)
    : poller_(poller),
      link_(link),
      buffer_(std::make_unique_for_overwrite<char[]>(buffer_bytes)),
      error_buffer_(std::make_unique_for_overwrite<char[]>(buffer_bytes))
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

void ChildPipes::add_input(Child& child, std::string_view bytes, bool closes)
{
    ChildInput& input = child.input;
    input.closes |= closes;
    if (input.pipe.descriptor)
        input.bytes.append(bytes);
    else
        input.unreported += bytes.size(); // lost: it has closed its end
    feed(child);
}

void ChildPipes::feed(Child& child)
{
    ChildInput& input = child.input;
    bool is_full = false;
    while (input.pipe.descriptor && input.written < input.bytes.size() && !is_full) {
        const ssize_t size = ::write(input.pipe.descriptor.get(), input.bytes.data() + input.written,
            input.bytes.size() - input.written);
        if (size < 0 && errno == EINTR)
            continue;
        is_full = size < 0 && errno == EAGAIN;
        const std::size_t taken = size >= 0 ? static_cast<std::size_t>(size)
            : is_full                       ? 0
                                            : input.bytes.size() - input.written;
        input.written += taken;
        input.unreported += taken;
        if (size < 0 && !is_full) {
            end_input(child);
            link_.send(ProcessInputTaken{child.key, std::exchange(input.unreported, 0), true});
        }
    }
    if (input.pipe.descriptor && is_full != input.is_watched) {
        is_full ? poller_.add(input.pipe.descriptor.get(), &input.pipe, EPOLLOUT)
                : poller_.remove(input.pipe.descriptor.get());
        input.is_watched = is_full;
    }
    settle_input(child);
}

void ChildPipes::settle_input(Child& child)
{
    ChildInput& input = child.input;
    const bool is_empty = input.written == input.bytes.size();
    if (is_empty) {
        std::string().swap(input.bytes);
        input.written = 0;
    }
    if (is_empty && input.closes)
        end_input(child);
    if (input.unreported >= report_bytes || (is_empty && input.unreported > 0 && input.was_full))
        link_.send(ProcessInputTaken{child.key, std::exchange(input.unreported, 0)});
    input.was_full = !is_empty;
}

void ChildPipes::end_input(Child& child)
{
    ChildInput& input = child.input;
    if (input.pipe.descriptor && input.is_watched)
        poller_.remove(input.pipe.descriptor.get());
    input.is_watched = false;
    input.pipe.descriptor.reset();
}

// What a service printed about a job comes before its word that the job is done.
void ChildPipes::report_errors_first(Child& child)
{
    ChildPipe& errors = child.pipes[1];
    if (errors.descriptor) {
        const ssize_t size = ::read(errors.descriptor.get(), error_buffer_.get(), buffer_bytes);
        if (size > 0)
            take(errors, {error_buffer_.get(), static_cast<std::size_t>(size)});
    }
    if (child.tail.has_news()) {
        auto report = child.tail.report(error_report_bytes_max);
        link_.send(ProcessOutput{child.key, std::move(report.chunks), report.bytes_dropped});
    }
}

void ChildPipes::read(ChildPipe& pipe)
{
    if (pipe.role == PipeRole::input)
        return feed(*pipe.child);
    if (!link_.is_congested() && read_once(pipe) == Outcome::end)
        pipe.descriptor.reset(); // nobody shares it, so the poller forgets it, too
}

void ChildPipes::drain(Child& child)
{
    end_input(child);
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
        if (child.is_interactive) {
            report_errors_first(child);
            take_messages(child, bytes);
        } else {
            child.tail.append(OutputStream::out, bytes);
        }
        break;
    case PipeRole::error:
        child.tail.append(OutputStream::error, bytes);
        break;
    case PipeRole::messages:
        take_messages(child, bytes);
        break;
    case PipeRole::input:
        break;
    }
}

void ChildPipes::take_messages(Child& child, std::string_view bytes)
{
    child.messages.append(bytes, [&](std::string line, bool too_long) {
        link_.send(ProcessMessage{child.key, std::move(line), too_long});
    });
}

void ChildPipes::end_messages(Child& child)
{
    child.messages.finish([&](std::string line, bool too_long) {
        link_.send(ProcessMessage{child.key, std::move(line), too_long});
    });
}

} // namespace jobrunner
