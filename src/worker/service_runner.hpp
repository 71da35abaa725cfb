#pragma once

#include "config/config.hpp"
#include "executor/process_executor.hpp"
#include "worker/kind_runner.hpp"
#include "worker/service_pool.hpp"

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace jobrunner {

// Runs service kinds: a ServicePool for each service of the configuration, and the processes of all of them.
//
// set_config() lets every child finish what it has and puts a new one in its place. Destruction asks the
// children to leave, and ends them when they have not done so soon.
// Threads: see JobRunner.
class ServiceRunner final : public KindRunner, private ServiceProcesses {
public:
    ServiceRunner(std::shared_ptr<const Config> config, std::string database_without_password, RunSink& sink);
    ~ServiceRunner() override;

    void set_config(std::shared_ptr<const Config> config) override;

    void start(const ClaimedJob& job) override;
    void start_chunk(const std::vector<ClaimedJob>& jobs) override;
    void stop(const ClaimToken& token, StopCause cause) override;
    void kill_all(StopCause cause) override;
    void lease_until(std::chrono::nanoseconds boot_time) override;

private:
    using Clock = ServicePool::Clock;
    using PoolKey = std::pair<bool, std::string>;

    [[nodiscard]] ProcessKey start(const ServiceConfig& service) override;
    [[nodiscard]] bool write(ProcessKey key, std::string_view line) override;
    void close_input(ProcessKey key) override;
    void stop(ProcessKey key, const std::string& reason) override;
    [[nodiscard]] std::optional<std::uint64_t> resident_bytes(pid_t pid) override;

    void on_event(ProcessEvent event);
    void watch_time(const std::stop_token& stop);
    // Does something to the pools, then says what they have to say, with the mutex let go.
    template <typename Action>
    void act(Action action);
    void note_held_back(std::vector<ServicePool::Word>& words);
    [[nodiscard]] ServicePool* pool_of(ProcessKey key);
    [[nodiscard]] ServicePool* pool_for(std::span<const ClaimedJob> jobs);
    [[nodiscard]] std::optional<Milliseconds> timeout_of(const ClaimedJob& job) const;
    [[nodiscard]] ProcessExecutor& executor();

    RunSink& sink_;
    std::string database_;
    std::string mark_; // this runner among all of the host
    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::shared_ptr<const Config> config_;
    std::map<PoolKey, std::unique_ptr<ServicePool>> pools_;
    std::map<ProcessKey, ServicePool*> owners_; // of the living children
    std::vector<HeldBack> held_back_;
    std::vector<ServicePool::Word> lost_words_; // about jobs that no pool has
    std::optional<ServicePool::Time> planned_;  // when the clock looks next
    ProcessKey last_key_ = 0;
    std::optional<BootClock::time_point> lease_;
    std::unique_ptr<ProcessExecutor> executor_; // its thread uses the rest
    std::jthread clock_;
};

} // namespace jobrunner
