#include "executor_fixture.hpp"

#include "executor/host_processes.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <sstream>
#include <thread>

namespace jobrunner::tests {

bool eventually(const std::function<bool()>& condition)
{
    const auto give_up_at = std::chrono::steady_clock::now() + patience;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > give_up_at)
            return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
}

bool is_alive(pid_t pid)
{
    const auto process = find_host_process(pid);
    return process && !process->is_dead;
}

std::vector<pid_t> pids_in(const std::string& text)
{
    std::istringstream lines(text);
    std::vector<pid_t> pids;
    for (pid_t pid = 0; lines >> pid;)
        pids.push_back(pid);
    return pids;
}

ProcessSpec shell(ProcessKey key, const std::string& script)
{
    return {.key = key,
        .argv = {"sh", "-c", script},
        .environment = {std::string("PATH=") + default_search_path}};
}

std::string text_of(const std::vector<OutputChunk>& chunks, OutputStream stream)
{
    std::string text;
    for (const OutputChunk& chunk : chunks)
        if (chunk.stream == stream)
            text += chunk.bytes;
    return text;
}

std::string output_of(const ProcessEnded& ended)
{
    return text_of(ended.output, OutputStream::out);
}

std::string errors_of(const ProcessEnded& ended)
{
    return text_of(ended.output, OutputStream::error);
}

void EventLog::take(ProcessEvent event)
{
    const std::lock_guard lock(mutex_);
    if (const auto* started = std::get_if<ProcessStarted>(&event))
        started_[started->key] = started->pid;
    if (const auto* ended = std::get_if<ProcessEnded>(&event))
        ended_[ended->key] = *ended;
    if (const auto* message = std::get_if<ProcessMessage>(&event))
        messages_[message->key].push_back(*message);
    if (const auto* output = std::get_if<ProcessOutput>(&event))
        for (const OutputChunk& chunk : output->chunks)
            live_[output->key] += chunk.bytes;
    changed_.notify_all();
}

void EventLog::wait(
    const char* what, const std::function<bool()>& condition, std::unique_lock<std::mutex>& lock)
{
    INFO("waiting for ", what);
    REQUIRE(changed_.wait_for(lock, patience, condition));
}

ProcessEnded EventLog::wait_for_end(ProcessKey key)
{
    std::unique_lock lock(mutex_);
    wait(
        "an end", [&] { return ended_.contains(key); }, lock);
    return ended_.at(key);
}

pid_t EventLog::wait_for_start(ProcessKey key)
{
    std::unique_lock lock(mutex_);
    wait(
        "a start", [&] { return started_.contains(key); }, lock);
    return started_.at(key);
}

std::vector<ProcessMessage> EventLog::wait_for_messages(ProcessKey key, std::size_t count)
{
    std::unique_lock lock(mutex_);
    wait(
        "messages", [&] { return messages_[key].size() >= count; }, lock);
    return messages_[key];
}

std::string EventLog::wait_for_output(ProcessKey key, const std::string& text)
{
    std::unique_lock lock(mutex_);
    wait(
        "live output", [&] { return live_[key].find(text) != std::string::npos; }, lock);
    return live_[key];
}

std::vector<ProcessMessage> EventLog::messages(ProcessKey key)
{
    const std::lock_guard lock(mutex_);
    return messages_[key];
}

std::string EventLog::live_output(ProcessKey key)
{
    const std::lock_guard lock(mutex_);
    return live_[key];
}

std::size_t EventLog::ends()
{
    const std::lock_guard lock(mutex_);
    return ended_.size();
}

ProcessEnded ExecutorFixture::run(ProcessSpec spec)
{
    const ProcessKey key = spec.key;
    executor.start(std::move(spec));
    return events.wait_for_end(key);
}

pid_t ExecutorFixture::supervisor_pid()
{
    for (const HostProcess& process : all_host_processes())
        if (process.parent == ::getpid() && !process.is_dead && process.group == process.pid)
            return process.pid;
    FAIL("there is no supervisor");
    return 0;
}

} // namespace jobrunner::tests
