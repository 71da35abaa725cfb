#pragma once

#include "executor/frame_channel.hpp"
#include "executor/leftovers.hpp"
#include "executor/process_executor.hpp"
#include "executor/supervisor_process.hpp"
#include "executor/supervisor_protocol.hpp"
#include "executor/user_lookup.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace jobrunner {

// What is behind a ProcessExecutor: one end of the supervisor's socket, and the thread that reads it.
//
// Threads: the public methods are thread-safe. Everything that only the reader does is marked so.
class ExecutorClient {
public:
    ExecutorClient(ProcessExecutor::EventHandler on_event, ProcessExecutorOptions options);
    ~ExecutorClient();

    ExecutorClient(const ExecutorClient&) = delete;
    ExecutorClient& operator=(const ExecutorClient&) = delete;

    void start(ProcessSpec spec);
    void send(const SupervisorCommand& command);
    [[nodiscard]] bool write(ProcessKey key, std::string_view bytes);
    void lease_until(BootClock::time_point until);
    [[nodiscard]] std::size_t running() const;

private:
    using Clock = std::chrono::steady_clock;

    // Beyond this much that the supervisor has not taken, nothing more is started.
    static constexpr std::size_t unsent_bytes_max = std::size_t{256} * 1024 * 1024;

    struct Running {
        pid_t pid = 0; // 0: not known yet
        std::string mark;
        std::uint64_t input_waiting = 0; // written and not known to be read
    };

    // With the mutex held.
    void add_running(const ProcessSpec& spec);
    void end_here(ProcessKey key, ProcessEnd end, std::string why);
    void put(const SupervisorCommand& command);
    [[nodiscard]] LeftoverSigns signs_of_running() const;

    // By the reader only, apart from the constructor.
    void connect();
    void read(const std::stop_token& stop);
    void wait_for_something();
    void deliver_own_events();
    void receive();
    void deliver(SupervisorEvent event);
    void note(const SupervisorEvent& event);
    void flush();
    void lose_supervisor(const std::string& why);
    void try_to_reconnect();
    void plan_to_reconnect();

    [[nodiscard]] std::optional<Credentials> credentials_for(const ProcessSpec& spec, std::string& problem);
    void wake() const;

    const ProcessExecutor::EventHandler on_event_;
    const ProcessExecutorOptions options_;
    UserLookup users_;
    Descriptor wake_;

    mutable std::mutex mutex_;
    std::unordered_map<ProcessKey, Running> running_;
    std::vector<ProcessEnded> own_events_;          // of processes that the supervisor knows nothing of
    std::unique_ptr<SupervisorProcess> supervisor_; // none while it is lost; changed by the reader only
    FrameSink sink_;
    std::optional<BootClock::time_point> lease_;
    std::thread::id reader_id_;

    // The reader's own.
    FrameSource source_{frame_payload_bytes_max};
    bool is_readable_ = false;
    Clock::time_point connected_at_;
    std::optional<Clock::time_point> reconnect_at_;
    std::chrono::milliseconds backoff_{0};

    std::jthread reader_; // last: it uses all the others
};

} // namespace jobrunner
