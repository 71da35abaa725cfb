#include "executor/child_ends.hpp"

#include <algorithm>
#include <csignal>
#include <utility>

namespace jobrunner {

namespace {

std::chrono::milliseconds milliseconds(const timeval& time)
{
    return std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec));
}

void note_usage(ProcessEnded& result, const rusage& usage)
{
    result.cpu = milliseconds(usage.ru_utime) + milliseconds(usage.ru_stime);
    result.max_rss_bytes = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
    result.blocks_in = static_cast<std::uint64_t>(usage.ru_inblock);
    result.blocks_out = static_cast<std::uint64_t>(usage.ru_oublock);
}

void note_status(Child& child, const DeadChild& dead)
{
    child.result.exit_code = dead.exit_code;
    child.result.signal = dead.signal;
    child.result.core_dumped = dead.core_dumped;
    if (!child.was_stopped)
        child.result.end = dead.signal == 0 ? ProcessEnd::exited : ProcessEnd::signalled;
}

} // namespace

void ChildEnds::reap(Time now)
{
    while (const auto dead = find_dead_child()) {
        if (Child* child = children_.find_pid(dead->pid))
            note_death(*child, *dead, now);
        else
            has_new_deaths_ |= orphans_.forget(dead->pid);
        bury(*dead);
    }
}

void ChildEnds::note_death(Child& child, const DeadChild& dead, Time now)
{
    ::kill(-child.pid, SIGKILL);
    pipes_.drain(child);
    note_status(child, dead);
    note_usage(child.result, dead.usage);
    child.result.wall = std::chrono::duration_cast<std::chrono::milliseconds>(now - child.started_at);

    child.phase = ChildPhase::dead;
    child.watch_at = child.timeout_at = child.kill_at = child.report_output_at = std::nullopt;
    child.give_up_at = now + kill_patience;
    children_.book(child);
    children_.bury(child);
    orphans_.release(child);
    dead_.push_back(&child);
    has_new_deaths_ = true;
}

void ChildEnds::settle()
{
    if (!std::exchange(has_new_deaths_, false))
        return;
    orphans_.look(children_);
    orphans_.kill_unowned();
    std::erase_if(dead_, [&](Child* child) {
        const bool is_settled = !orphans_.has_dying_of(*child);
        if (is_settled)
            report(*child);
        return is_settled;
    });
}

void ChildEnds::give_up_on(Child& child)
{
    std::erase(dead_, &child);
    report(child);
}

void ChildEnds::report(Child& child)
{
    child.result.output_bytes_dropped = child.tail.bytes_dropped();
    child.result.output = child.tail.chunks();
    link_.send(std::move(child.result));
    children_.remove(child);
}

} // namespace jobrunner
