#include "executor/executor_client.hpp"

#include "core/error.hpp"
#include "executor/process_check.hpp"

#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace jobrunner {

namespace {

constexpr std::chrono::milliseconds backoff_min{100};
constexpr std::chrono::milliseconds backoff_max{5'000};

// A supervisor that has lived for so long is started anew without backoff.
constexpr std::chrono::seconds long_life{10};

constexpr std::chrono::milliseconds leftovers_limit{5'000};

// Only this is one process's alone among all of the host.
bool is_unique_mark(const std::string& entry)
{
    return entry.starts_with("JOBRUNNER_TOKEN=") || entry.starts_with("JOBRUNNER_INSTANCE=");
}

} // namespace

ExecutorClient::ExecutorClient(ProcessExecutor::EventHandler on_event, ProcessExecutorOptions options)
    : on_event_(std::move(on_event)),
      options_(std::move(options)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK))
{
    connect();
    reader_ = std::jthread([this](const std::stop_token& stop) { read(stop); });
}

ExecutorClient::~ExecutorClient()
{
    reader_.request_stop();
    wake();
    reader_.join();
    if (supervisor_ && !supervisor_->end())
        kill_leftovers(signs_of_running(), leftovers_limit);
}

// Commands.

void ExecutorClient::start(ProcessSpec spec)
{
    limit_values(spec);
    std::string problem = find_problem(spec).value_or("");
    auto credentials = credentials_for(spec, problem);
    const StartCommand command{std::move(spec), std::move(credentials)};
    const ProcessKey key = command.spec.key;

    const std::lock_guard lock(mutex_);
    add_running(command.spec);
    if (!problem.empty())
        end_here(key, ProcessEnd::spawn_failed, std::move(problem));
    else if (!supervisor_)
        end_here(key, ProcessEnd::supervisor_lost, "the supervisor is being started anew");
    else if (sink_.waiting() > unsent_bytes_max)
        end_here(key, ProcessEnd::spawn_failed, "the supervisor does not keep up");
    else
        put(command);
}

std::optional<Credentials> ExecutorClient::credentials_for(const ProcessSpec& spec, std::string& problem)
{
    if (!spec.user || !problem.empty())
        return std::nullopt;
    auto credentials = users_.find(*spec.user);
    if (!credentials)
        problem = "there is no user \"" + *spec.user + '"';
    // Whoever is not root can become nobody else, and need not become himself.
    const bool is_self = credentials && ::geteuid() != 0 && credentials->user == ::geteuid();
    return is_self ? std::nullopt : credentials;
}

void ExecutorClient::add_running(const ProcessSpec& spec)
{
    const auto is_mark = [](const std::string& entry) { return is_unique_mark(entry); };
    const auto mark = std::find_if(spec.environment.begin(), spec.environment.end(), is_mark);
    const bool is_new =
        running_.try_emplace(spec.key, Running{0, mark == spec.environment.end() ? "" : *mark, 0}).second;
    if (!is_new)
        throw Error(
            ErrorKind::internal, "executor: the key " + std::to_string(spec.key) + " is running already");
}

void ExecutorClient::end_here(ProcessKey key, ProcessEnd end, std::string why)
{
    own_events_.push_back({.key = key, .end = end, .error = std::move(why)});
    wake();
}

void ExecutorClient::send(const SupervisorCommand& command)
{
    const std::lock_guard lock(mutex_);
    if (supervisor_)
        put(command);
}

bool ExecutorClient::write(ProcessKey key, std::string_view bytes)
{
    const std::lock_guard lock(mutex_);
    const auto found = running_.find(key);
    if (found == running_.end() || !supervisor_)
        return true;
    if (found->second.input_waiting >= process_input_bytes_max)
        return false;
    found->second.input_waiting += bytes.size();
    put(InputCommand{key, std::string(bytes), false});
    return true;
}

void ExecutorClient::lease_until(BootClock::time_point until)
{
    const std::lock_guard lock(mutex_);
    lease_ = until;
    if (supervisor_)
        put(LeaseCommand{until.time_since_epoch()});
}

void ExecutorClient::put(const SupervisorCommand& command)
{
    encode(sink_.buffer(), command);
    // What a handler sends goes out together once the events that are there are delivered.
    if (std::this_thread::get_id() == reader_id_)
        return;
    if (sink_.flush(supervisor_->socket()) == FrameSink::Sent::partly)
        wake();
}

std::size_t ExecutorClient::running() const
{
    const std::lock_guard lock(mutex_);
    return running_.size();
}

void ExecutorClient::wake() const
{
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t size = ::write(wake_.get(), &one, sizeof(one));
}

// The reader.

void ExecutorClient::read(const std::stop_token& stop)
{
    {
        const std::lock_guard lock(mutex_);
        reader_id_ = std::this_thread::get_id();
    }
    while (!stop.stop_requested()) {
        deliver_own_events();
        if (supervisor_ && is_readable_)
            receive();
        else if (!supervisor_)
            try_to_reconnect();
        flush();
        wait_for_something();
    }
}

void ExecutorClient::wait_for_something()
{
    std::array<pollfd, 2> items{
        {{wake_.get(), POLLIN, 0}, {supervisor_ ? supervisor_->socket() : -1, POLLIN, 0}}};
    {
        const std::lock_guard lock(mutex_);
        if (sink_.waiting() > 0)
            items[1].events |= POLLOUT;
    }
    int limit = -1;
    if (reconnect_at_)
        limit = static_cast<int>(std::max<std::int64_t>(
            0, std::chrono::ceil<std::chrono::milliseconds>(*reconnect_at_ - Clock::now()).count()));
    ::poll(items.data(), items.size(), limit);

    std::uint64_t count = 0;
    if (items[0].revents != 0) [[maybe_unused]]
        const ssize_t size = ::read(wake_.get(), &count, sizeof(count));
    is_readable_ = (items[1].revents & ~POLLOUT) != 0;
}

void ExecutorClient::deliver_own_events()
{
    std::vector<ProcessEnded> events;
    {
        const std::lock_guard lock(mutex_);
        events.swap(own_events_);
    }
    for (ProcessEnded& event : events)
        deliver(std::move(event));
}

void ExecutorClient::receive()
try {
    const bool is_closed = source_.receive(supervisor_->socket()) == FrameSource::Received::closed;
    while (const auto frame = source_.next())
        deliver(decode_event(*frame));
    if (is_closed)
        lose_supervisor("it is gone");
} catch (const Error& error) {
    lose_supervisor(error.what());
}

void ExecutorClient::note(const SupervisorEvent& event)
{
    const std::lock_guard lock(mutex_);
    if (const auto* started = std::get_if<ProcessStarted>(&event))
        if (const auto found = running_.find(started->key); found != running_.end())
            found->second.pid = started->pid;
    if (const auto* taken = std::get_if<ProcessInputTaken>(&event))
        if (const auto found = running_.find(taken->key); found != running_.end())
            found->second.input_waiting -= std::min(taken->bytes, found->second.input_waiting);
    if (const auto* ended = std::get_if<ProcessEnded>(&event))
        running_.erase(ended->key);
}

void ExecutorClient::deliver(SupervisorEvent event)
{
    note(event);
    std::visit(
        [&](auto& known) {
            if constexpr (!std::is_same_v<std::decay_t<decltype(known)>, SupervisorHello>)
                on_event_(std::move(known));
        },
        event);
}

void ExecutorClient::flush()
{
    const std::lock_guard lock(mutex_);
    if (supervisor_ && sink_.waiting() > 0)
        // Whether all went is seen when waiting; whether the supervisor is gone, when reading.
        static_cast<void>(sink_.flush(supervisor_->socket()));
}

// Losing and replacing the supervisor.

void ExecutorClient::connect()
{
    auto supervisor = std::make_unique<SupervisorProcess>(options_.supervisor_path);
    connected_at_ = Clock::now();
    source_ = FrameSource(frame_payload_bytes_max);

    const std::lock_guard lock(mutex_);
    supervisor_ = std::move(supervisor);
    put(SettingsCommand{options_.live_every});
    if (lease_)
        put(LeaseCommand{lease_->time_since_epoch()});
}

LeftoverSigns ExecutorClient::signs_of_running() const
{
    LeftoverSigns signs;
    for (const auto& [key, process] : running_) {
        if (process.pid != 0)
            signs.groups.push_back(process.pid);
        if (!process.mark.empty())
            signs.marks.push_back(process.mark);
    }
    return signs;
}

void ExecutorClient::lose_supervisor(const std::string& why)
{
    supervisor_->kill();
    LeftoverSigns signs;
    std::size_t lost = 0;
    {
        const std::lock_guard lock(mutex_);
        supervisor_.reset();
        sink_ = {};
        signs = signs_of_running();
        std::set<ProcessKey> ended_already;
        for (const ProcessEnded& event : own_events_)
            ended_already.insert(event.key);
        for (const auto& [key, process] : running_)
            if (!ended_already.contains(key))
                end_here(key, ProcessEnd::supervisor_lost, "the supervisor was lost: " + why);
        lost = running_.size();
    }
    plan_to_reconnect();
    spdlog::error("supervisor_lost running={} restart_in_ms={} reason=\"{}\"", lost, backoff_.count(), why);
    if (!kill_leftovers(signs, leftovers_limit))
        spdlog::error("leftovers_alive: processes of lost children do not die");
}

void ExecutorClient::plan_to_reconnect()
{
    const auto now = Clock::now();
    backoff_ = now - connected_at_ > long_life ? std::chrono::milliseconds(0)
                                               : std::clamp(backoff_ * 2, backoff_min, backoff_max);
    reconnect_at_ = now + backoff_;
}

void ExecutorClient::try_to_reconnect()
try {
    if (reconnect_at_ && Clock::now() < *reconnect_at_)
        return;
    connect();
    reconnect_at_.reset();
    spdlog::info("supervisor_restarted");
} catch (const Error& error) {
    plan_to_reconnect();
    spdlog::error("supervisor_not_started retry_in_ms={} reason=\"{}\"", backoff_.count(), error.what());
}

} // namespace jobrunner
