#include "executor/child.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace jobrunner {

namespace {

// Watching the pipes of a child costs more than starting a short one does in all. What it writes waits in the pipes.
constexpr std::chrono::milliseconds watch_after{3};

std::string mark_in(const std::vector<std::string>& environment)
{
    for (const std::string_view name : {"JOBRUNNER_TOKEN=", "JOBRUNNER_JOB_ID=", "JOBRUNNER_INSTANCE="})
        for (const std::string& entry : environment)
            if (entry.starts_with(name))
                return entry;
    return {};
}

} // namespace

Child::Child(std::uint64_t serial_number, const ProcessSpec& spec, SpawnedChild spawned, Time now)
    : serial(serial_number),
      key(spec.key),
      pid(spawned.pid),
      mark(mark_in(spec.environment)),
      started_at(now),
      grace(spec.grace),
      tail(spec.output_bytes_max),
      pipes{ChildPipe{this, PipeRole::output, std::move(spawned.output)},
          ChildPipe{this, PipeRole::error, std::move(spawned.error)},
          ChildPipe{this, PipeRole::messages, std::move(spawned.messages)}},
      input{.pipe = {this, PipeRole::input, std::move(spawned.input)}},
      is_interactive(spec.interactive),
      watch_at(spec.interactive ? now : now + watch_after),
      report_not_before(now + spec.live_after)
{
    result.key = key;
    if (spec.timeout)
        timeout_at = now + *spec.timeout;
}

std::optional<Child::Time> Child::next_deadline() const
{
    std::optional<Time> earliest;
    for (const auto& due : {watch_at, timeout_at, kill_at, report_output_at, give_up_at})
        if (due && (!earliest || *due < *earliest))
            earliest = due;
    return earliest;
}

} // namespace jobrunner
