#pragma once

#include "config/config.hpp"
#include "core/job.hpp"
#include "core/settlement.hpp"
#include "executor/process.hpp"
#include "worker/job_message.hpp"
#include "worker/job_runner.hpp"
#include "worker/service_backoff.hpp"
#include "worker/service_child.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jobrunner {

// The children of one pool, as it needs them: the seam to the process executor.
class ServiceProcesses {
public:
    virtual ~ServiceProcesses() = default;
    // Starts a child of that pool; its end is reported whatever happens.
    [[nodiscard]] virtual ProcessKey start(const ServiceConfig& service) = 0;
    // False: it has not read what came before, and was given nothing.
    [[nodiscard]] virtual bool write(ProcessKey key, std::string_view line) = 0;
    virtual void close_input(ProcessKey key) = 0;
    // SIGTERM, soon SIGKILL.
    virtual void stop(ProcessKey key, const std::string& reason) = 0;
    [[nodiscard]] virtual std::optional<std::uint64_t> resident_bytes(pid_t pid) = 0;
};

// Warm children that take many jobs each: starts them on demand, hands them jobs, stops idle ones, replaces worn ones,
// and waits longer and longer before it starts another when they die before they are ready. Meanwhile it holds its kinds
// back: what waits is given back at no cost, and it is its own next child that tells whether the trouble is over.
//
// Threads: not thread-safe. What it has to say to the sink is handed out by take_words(), to be said with no lock held.
class ServicePool {
public:
    using Clock = std::chrono::steady_clock;
    using Time = Clock::time_point;
    using Word = std::function<void(RunSink&)>;

    ServicePool(ServiceConfig config, ServiceProcesses& processes)
        : config_(std::move(config)), processes_(processes)
    {
    }

    struct TimedJob {
        ClaimedJob job;
        std::optional<Milliseconds> timeout;
    };

    void add(ClaimedJob job, std::optional<Milliseconds> timeout, Time now);
    // Jobs that one child gets at once, in one message.
    void add_chunk(std::vector<TimedJob> jobs, Time now);
    void stop(const ClaimToken& token, StopCause cause, Time now);
    // Gives back what waits, and names the end of what runs: the caller kills the children.
    void kill_all(StopCause cause);
    // Every child finishes what it has and is replaced; `config` is for those to come, nothing: there are none.
    void renew(std::optional<ServiceConfig> config, Time now);

    void on_started(const ProcessStarted& started);
    void on_output(const ProcessOutput& output);
    void on_message(const ProcessMessage& message, Time now);
    void on_input_taken(const ProcessInputTaken& taken, Time now);
    void on_end(const ProcessEnded& end, Time now);
    // Does what is due.
    void tick(Time now);
    // When tick() has something to do, or an earlier time.
    [[nodiscard]] std::optional<Time> next_due() const { return next_due_; }

    [[nodiscard]] std::vector<Word> take_words() { return std::exchange(words_, {}); }
    // Its children do not start. Says how often in a row, and how the last one ended.
    [[nodiscard]] bool is_held_back() const { return held_back_; }
    [[nodiscard]] int failures() const { return backoff_.failures(); }
    [[nodiscard]] const std::string& last_failure() const { return last_failure_; }
    // Out of the configuration, and the last child has left.
    [[nodiscard]] bool is_over() const { return gone_ && children_.empty(); }

private:
    struct Waiting {
        std::vector<TimedJob> jobs;
        bool is_chunk = false; // though it may be of one
    };
    void wait(Waiting waiting, Time now);
    void pump(Time now);
    [[nodiscard]] ServiceChild* free_child(ProcessKey& key);
    bool hand_over(ProcessKey key, ServiceChild& child, Time now);
    [[nodiscard]] int living() const;
    [[nodiscard]] int starting() const;
    [[nodiscard]] bool wants_child() const;
    void start_children(Time now);
    void on_ready(ServiceChild& child, int concurrency);
    void note_trouble(ProcessKey key, ServiceChild& child, ServiceTrouble trouble);
    void take(ProcessKey key, ServiceChild& child, const ServiceJobMessage& message, Time now);
    void take_malformed(
        ProcessKey key, ServiceChild& child, const std::string& line, const std::string& problem, Time now);
    void end_job(ServiceChild& child, std::map<JobId, ServiceRun>::iterator run, RunReport report, Time now);
    void after_job(ProcessKey key, ServiceChild& child);
    void doom(ProcessKey key, ServiceRun& run, RunEnd end, Time now);
    void retire(ProcessKey key, ServiceChild& child, Time now);
    void stop_child(ProcessKey key, ServiceChild& child, std::string reason);
    void tick_child(ProcessKey key, ServiceChild& child, Time now);
    void note_failure(const ProcessEnded& end, const ServiceChild& child, Time now);
    void plan(Time at);
    void plan_anew();
    void give_back_waiting(const std::string& why, RunEnd how = RunEnd::released);
    void say_end(const ClaimToken& token, RunReport report);
    [[nodiscard]] std::optional<Time> idle_end(const ServiceChild& child) const;

    ServiceConfig config_;
    ServiceProcesses& processes_;
    bool gone_ = false; // out of the configuration
    std::map<ProcessKey, ServiceChild> children_;
    std::deque<Waiting> waiting_;
    std::uint64_t last_hand_over_ = 0;
    ServiceBackoff backoff_;
    std::optional<Time> next_due_; // or later
    bool held_back_ = false;
    std::string last_failure_;
    std::vector<Word> words_;
};

} // namespace jobrunner
