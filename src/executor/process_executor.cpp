#include "executor/process_executor.hpp"

#include "executor/executor_client.hpp"
#include "executor/process_check.hpp"

#include <algorithm>
#include <utility>

namespace jobrunner {

ProcessExecutor::ProcessExecutor(EventHandler on_event, ProcessExecutorOptions options)
    : client_(std::make_unique<ExecutorClient>(std::move(on_event), std::move(options)))
{
}

ProcessExecutor::~ProcessExecutor() = default;

void ProcessExecutor::start(ProcessSpec spec)
{
    client_->start(std::move(spec));
}

void ProcessExecutor::stop(ProcessKey key, std::string reason)
{
    client_->send(StopCommand{key, false, std::move(reason)});
}

void ProcessExecutor::kill(ProcessKey key, std::string reason)
{
    client_->send(StopCommand{key, true, std::move(reason)});
}

void ProcessExecutor::kill_all(std::string reason)
{
    client_->send(KillAllCommand{std::move(reason)});
}

bool ProcessExecutor::write(ProcessKey key, std::string_view bytes)
{
    return client_->write(key, bytes);
}

void ProcessExecutor::close_input(ProcessKey key)
{
    client_->send(InputCommand{key, {}, true});
}

void ProcessExecutor::extend(ProcessKey key, std::chrono::milliseconds by)
{
    client_->send(ExtendCommand{key, std::clamp(by, -process_duration_max, process_duration_max)});
}

void ProcessExecutor::lease_until(BootClock::time_point until)
{
    client_->lease_until(until);
}

std::size_t ProcessExecutor::running() const
{
    return client_->running();
}

} // namespace jobrunner
