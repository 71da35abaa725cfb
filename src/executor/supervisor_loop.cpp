#include "executor/supervisor_loop.hpp"

#include "core/error.hpp"
#include "executor/process_check.hpp"

#include <sys/signalfd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

namespace jobrunner {

namespace {

// Starting a process takes most of a millisecond; children that are there must not wait for many.
constexpr int commands_per_turn_max = 16;

// As much live output of one process as one report holds.
constexpr std::size_t report_bytes_max = std::size_t{16} * 1024;

// So long the supervisor tries to see its children dead after the worker has gone.
constexpr std::chrono::seconds leave_patience{5};

Descriptor open_child_signals()
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    Descriptor descriptor(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!descriptor)
        throw std::system_error(errno, std::generic_category(), "signalfd");
    return descriptor;
}

} // namespace

SupervisorLoop::SupervisorLoop(Descriptor worker, const rlimit& open_files)
    : spawner_(open_files),
      signals_(open_child_signals()),
      link_(std::move(worker)),
      pipes_(poller_, link_),
      stopper_(children_, orphans_),
      ends_(children_, pipes_, orphans_, link_)
{
    poller_.add(link_.descriptor(), &link_);
    poller_.add(signals_.get(), &signals_);
    poller_.add(lease_.descriptor(), &lease_);
    link_.send(SupervisorHello{supervisor_protocol_version});
    link_.flush(now_);
}

void SupervisorLoop::run()
{
    while (!is_done())
        turn();
}

bool SupervisorLoop::is_done() const
{
    const bool nothing_left = children_.size() == 0 && orphans_.empty();
    return leave_at_ && (nothing_left || now_ >= *leave_at_);
}

void SupervisorLoop::turn()
{
    take_events();
    stopper_.begin_turn();
    if (std::exchange(child_signalled_, false))
        ends_.reap(now_);
    watch_lease();
    meet_deadlines();
    ends_.settle();
    link_.flush(now_); // before the commands, which take longer
    take_commands();
    update_link();
    leave();
}

std::optional<std::chrono::nanoseconds> SupervisorLoop::time_to_wait() const
{
    if (link_.has_command())
        return std::chrono::nanoseconds(0);
    std::optional<Time> next = children_.next_deadline();
    for (const auto& other : {link_.flush_at(), leave_at_})
        if (other && (!next || *other < *next))
            next = other;
    return next ? std::optional(*next - SupervisorClock::now()) : std::nullopt;
}

void SupervisorLoop::take_events()
{
    const auto events = poller_.wait(time_to_wait());
    now_ = SupervisorClock::now();
    for (const epoll_event& event : events)
        take_event(event);
}

// Nothing here may end a child: its pipes may be among the events to come.
void SupervisorLoop::take_event(const epoll_event& event)
{
    if (event.data.ptr == &signals_) {
        take_signals();
        child_signalled_ = true;
    } else if (event.data.ptr == &lease_) {
        lease_.acknowledge();
        lease_fired_ = true;
    } else if (event.data.ptr == &link_) {
        if (event.events != EPOLLOUT)
            link_.receive();
    } else {
        auto& pipe = *static_cast<ChildPipe*>(event.data.ptr);
        pipes_.read(pipe);
        plan_report(*pipe.child);
    }
}

void SupervisorLoop::take_signals() const
{
    signalfd_siginfo info{}; // one signal stands for all children that have exited until it is read
    [[maybe_unused]] const ssize_t size = ::read(signals_.get(), &info, sizeof(info));
}

void SupervisorLoop::watch_lease()
{
    if (std::exchange(lease_fired_, false) && lease_.has_passed())
        stopper_.kill_all(ProcessEnd::lease_lost, "the worker's lease has passed");
}

void SupervisorLoop::take_commands()
{
    for (int taken = 0; taken < commands_per_turn_max; ++taken) {
        const auto command = link_.next_command();
        if (!command)
            return;
        std::visit([&](const auto& known) { obey(known); }, *command);
    }
}

void SupervisorLoop::obey(const StartCommand& command)
{
    const ProcessKey key = command.spec.key;
    if (children_.find(key) != nullptr)
        throw Error(ErrorKind::internal, "supervisor: a key was used twice");
    if (lease_.has_passed()) {
        link_.send(ProcessEnded{
            .key = key, .end = ProcessEnd::lease_lost, .error = "the worker's lease has passed"});
        return;
    }
    const Time started_at = SupervisorClock::now();
    auto result = spawner_.spawn(command);
    if (auto* child = std::get_if<SpawnedChild>(&result)) {
        link_.send_later(ProcessStarted{key, child->pid}, now_);
        children_.add(command.spec, std::move(*child), started_at);
        return;
    }
    auto& failure = std::get<SpawnFailure>(result);
    link_.send(ProcessEnded{.key = key,
        .end = ProcessEnd::spawn_failed,
        .error_number = failure.error_number,
        .error = std::move(failure.what)});
}

void SupervisorLoop::obey(const StopCommand& command)
{
    Child* child = children_.find(command.key);
    if (child != nullptr && command.at_once)
        stopper_.kill(*child, ProcessEnd::stopped, command.reason);
    else if (child != nullptr)
        stopper_.stop(*child, ProcessEnd::stopped, command.reason, now_);
}

void SupervisorLoop::obey(const KillAllCommand& command)
{
    stopper_.kill_all(ProcessEnd::stopped, command.reason);
}

void SupervisorLoop::obey(const ExtendCommand& command)
{
    Child* child = children_.find(command.key);
    if (child == nullptr || !child->timeout_at)
        return;
    child->timeout_at = std::min(*child->timeout_at + command.by, now_ + process_duration_max);
    children_.book(*child);
}

void SupervisorLoop::obey(const LeaseCommand& command)
{
    lease_.set(BootClock::time_point(command.until));
}

void SupervisorLoop::obey(const InputCommand& command)
{
    Child* child = children_.find(command.key);
    if (child != nullptr && child->is_interactive && child->phase != ChildPhase::dead)
        pipes_.add_input(*child, command.bytes, command.closes);
}

void SupervisorLoop::meet_deadlines()
{
    for (Child* child : children_.due(now_))
        meet_deadlines_of(*child);
}

void SupervisorLoop::meet_deadlines_of(Child& child)
{
    const auto is_due = [&](std::optional<Time>& deadline) {
        const bool due = deadline && *deadline <= now_;
        if (due)
            deadline.reset();
        return due;
    };
    if (is_due(child.watch_at))
        pipes_.watch(child);
    if (is_due(child.report_output_at))
        report_output(child);
    if (is_due(child.timeout_at))
        stopper_.stop(child, ProcessEnd::timed_out, "the timeout has passed", now_);
    if (is_due(child.kill_at))
        stopper_.kill(child, child.result.end, {});
    if (is_due(child.give_up_at))
        return ends_.give_up_on(child);
    children_.book(child);
}

void SupervisorLoop::plan_report(Child& child)
{
    if (child.report_output_at || !child.tail.has_news())
        return;
    child.report_output_at = std::max(now_, child.report_not_before);
    children_.book(child);
}

void SupervisorLoop::report_output(Child& child)
{
    child.report_not_before = now_ + live_every_;
    if (!link_.is_congested()) {
        auto report = child.tail.report(report_bytes_max);
        link_.send(ProcessOutput{child.key, std::move(report.chunks), report.bytes_dropped});
    }
    plan_report(child);
}

void SupervisorLoop::update_link()
{
    link_.flush(now_);
    if (link_.waits_for_room() != link_waits_for_room_ && !link_.is_closed()) {
        link_waits_for_room_ = link_.waits_for_room();
        poller_.change(link_.descriptor(), &link_, link_waits_for_room_ ? EPOLLIN | EPOLLOUT : EPOLLIN);
    }
    if (link_.is_congested() && !pipes_.is_paused())
        pipes_.pause(children_);
    else if (link_.has_room() && pipes_.is_paused())
        pipes_.resume(children_);
}

void SupervisorLoop::leave()
{
    if (leave_at_ || !link_.is_closed())
        return;
    leave_at_ = now_ + leave_patience;
    poller_.remove(link_.descriptor());
    stopper_.kill_all(ProcessEnd::stopped, "the worker is gone");
}

} // namespace jobrunner
