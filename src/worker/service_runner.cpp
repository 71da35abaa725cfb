#include "worker/service_runner.hpp"

#include "config/secret_value.hpp"
#include "core/error.hpp"
#include "core/job_timeout.hpp"
#include "worker/command_spec.hpp"
#include "worker/run_reports.hpp"
#include "worker/worker_log.hpp"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <random>

namespace jobrunner {
namespace {

// How long children may take to leave when the worker does.
constexpr std::chrono::seconds leave_patience{2};

std::string random_mark()
{
    std::random_device random;
    return std::to_string(random()) + std::to_string(random());
}

} // namespace

ServiceRunner::ServiceRunner(
    std::shared_ptr<const Config> config, std::string database_without_password, RunSink& sink)
    : sink_(sink),
      database_(std::move(database_without_password)),
      mark_(random_mark()),
      config_(std::make_shared<const Config>()),
      clock_([this](const std::stop_token& stop) { watch_time(stop); })
{
    set_config(std::move(config));
}

ServiceRunner::~ServiceRunner()
{
    {
        std::unique_lock lock(mutex_);
        for (const auto& [key, pool] : pools_) {
            pool->renew(std::nullopt, Clock::now());
        }
        changed_.wait_for(lock, leave_patience, [this] { return owners_.empty(); });
    }
    clock_.request_stop();
    clock_.join();
    executor_.reset();
}

template <typename Action>
void ServiceRunner::act(Action action)
{
    std::vector<ServicePool::Word> words;
    {
        const std::lock_guard lock(mutex_);
        action();
        words = std::exchange(lost_words_, {});
        for (const auto& [key, pool] : pools_) {
            auto said = pool->take_words();
            std::move(said.begin(), said.end(), std::back_inserter(words));
            const auto due = pool->next_due();
            if (due && (!planned_ || *due < *planned_)) {
                planned_ = due;
                changed_.notify_all();
            }
        }
        std::erase_if(pools_, [](const auto& one) { return one.second->is_over(); });
        note_held_back(words);
    }
    for (const auto& word : words) {
        word(sink_);
    }
}

void ServiceRunner::note_held_back(std::vector<ServicePool::Word>& words)
{
    const bool any =
        std::any_of(pools_.begin(), pools_.end(), [](const auto& one) { return one.second->is_held_back(); });
    if (!any && held_back_.empty()) {
        return;
    }
    std::map<PoolKey, HeldBack> services;
    for (const auto& kind : config_->kinds) {
        const auto* service = std::get_if<ServiceConfig>(&kind.runs);
        const auto pool =
            service == nullptr ? pools_.end() : pools_.find({service->is_shared, service->name});
        if (pool != pools_.end() && pool->second->is_held_back()) {
            HeldBack& one = services[pool->first];
            one.service = service->name;
            one.kinds.insert(kind.policy.kind);
            one.failures = pool->second->failures();
            one.error = pool->second->last_failure();
        }
    }
    std::vector<HeldBack> held_back;
    for (auto& [key, one] : services) {
        held_back.push_back(std::move(one));
    }
    if (held_back != held_back_) {
        held_back_ = held_back;
        // First: what is given back must not be claimed again at once.
        words.insert(words.begin(), [held_back](RunSink& sink) { sink.held_back(held_back); });
    }
}

void ServiceRunner::set_config(std::shared_ptr<const Config> config)
{
    act([&] {
        const auto now = Clock::now();
        config_ = std::move(config);
        std::map<PoolKey, const ServiceConfig*> wanted;
        for (const auto& kind : config_->kinds) {
            if (const auto* service = std::get_if<ServiceConfig>(&kind.runs)) {
                wanted[{service->is_shared, service->name}] = service;
            }
        }
        for (const auto& [key, pool] : pools_) {
            if (!wanted.contains(key)) {
                pool->renew(std::nullopt, now);
            }
        }
        for (const auto& [key, service] : wanted) {
            auto& pool = pools_[key];
            if (!pool) {
                pool = std::make_unique<ServicePool>(*service, static_cast<ServiceProcesses&>(*this));
                if (lease_) {
                    pool->tick(now);
                }
            } else {
                pool->renew(*service, now);
            }
        }
    });
}

// Of a kind that is a service's no more its jobs are given back.
ServicePool* ServiceRunner::pool_for(std::span<const ClaimedJob> jobs)
{
    const std::string& name = jobs.front().kind;
    const KindConfig* kind = find_kind(*config_, name);
    if (const auto* service = kind == nullptr ? nullptr : std::get_if<ServiceConfig>(&kind->runs)) {
        return pools_.at({service->is_shared, service->name}).get();
    }
    for (const auto& job : jobs) {
        lost_words_.emplace_back(
            [token = job.token, why = "kind " + name + " is no longer a service here"](
                RunSink& sink) { sink.done(token, failed_report(RunEnd::released, {}, why)); });
    }
    return nullptr;
}

std::optional<Milliseconds> ServiceRunner::timeout_of(const ClaimedJob& job) const
{
    return jobrunner::timeout_of(job, find_kind(*config_, job.kind)->policy);
}

void ServiceRunner::start(const ClaimedJob& job)
{
    act([&] {
        if (ServicePool* pool = pool_for({&job, 1})) {
            pool->add(job, timeout_of(job), Clock::now());
        }
    });
}

void ServiceRunner::start_chunk(const std::vector<ClaimedJob>& jobs)
{
    act([&] {
        if (ServicePool* pool = pool_for(jobs)) {
            std::vector<ServicePool::TimedJob> chunk;
            for (const auto& job : jobs) {
                chunk.push_back({job, timeout_of(job)});
            }
            pool->add_chunk(std::move(chunk), Clock::now());
        }
    });
}

void ServiceRunner::stop(const ClaimToken& token, StopCause cause)
{
    act([&] {
        for (const auto& [key, pool] : pools_) {
            pool->stop(token, cause, Clock::now());
        }
    });
}

void ServiceRunner::kill_all(StopCause cause)
{
    act([&] {
        for (const auto& [key, pool] : pools_) {
            pool->kill_all(cause);
        }
    });
    const std::lock_guard lock(mutex_);
    if (executor_) {
        executor_->kill_all("the worker stops");
    }
}

void ServiceRunner::lease_until(std::chrono::nanoseconds boot_time)
{
    act([&] {
        const bool is_first = !lease_;
        lease_ = BootClock::time_point(boot_time);
        if (executor_) {
            executor_->lease_until(*lease_);
        }
        // Those that are always to be there: a worker that is only being made could not hear of them.
        if (is_first) {
            for (const auto& [key, pool] : pools_) {
                pool->tick(Clock::now());
            }
        }
    });
}

// --- what pools ask for, with the mutex held

ProcessKey ServiceRunner::start(const ServiceConfig& service)
{
    const ProcessKey key = ++last_key_;
    const std::string instance = mark_ + "-" + std::to_string(key);
    ProcessSpec spec{};
    try {
        spec = service_spec(service.process, database_, instance,
            [&](const std::string& name) { return secret_value(*config_, name); });
    } catch (const Error& error) {
        // Without a program it ends as one that could not be started, and is tried again as such.
        spdlog::error("service_not_started service={} error={}", service.name, log_value(error.what()));
    }
    spec.key = key;
    executor().start(std::move(spec));
    owners_[key] = pools_.at({service.is_shared, service.name}).get();
    return key;
}

// Its supervisor is a process: there is none where there are no services.
ProcessExecutor& ServiceRunner::executor()
{
    if (!executor_) {
        executor_ =
            std::make_unique<ProcessExecutor>([this](ProcessEvent event) { on_event(std::move(event)); });
        if (lease_) {
            executor_->lease_until(*lease_);
        }
    }
    return *executor_;
}

bool ServiceRunner::write(ProcessKey key, std::string_view line)
{
    return executor_->write(key, line);
}

void ServiceRunner::close_input(ProcessKey key)
{
    executor_->close_input(key);
}

void ServiceRunner::stop(ProcessKey key, const std::string& reason)
{
    executor_->stop(key, reason);
}

std::optional<std::uint64_t> ServiceRunner::resident_bytes(pid_t pid)
{
    std::ifstream file("/proc/" + std::to_string(pid) + "/statm");
    std::uint64_t size = 0;
    std::uint64_t resident = 0;
    const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    return file >> size >> resident ? std::optional(resident * page) : std::nullopt;
}

// --- events and time

ServicePool* ServiceRunner::pool_of(ProcessKey key)
{
    const auto owner = owners_.find(key);
    return owner == owners_.end() ? nullptr : owner->second;
}

void ServiceRunner::on_event(ProcessEvent event)
{
    act([&] {
        const auto now = Clock::now();
        ServicePool* pool = std::visit([&](const auto& one) { return pool_of(one.key); }, event);
        if (pool == nullptr) {
            return;
        }
        if (const auto* started = std::get_if<ProcessStarted>(&event)) {
            pool->on_started(*started);
        } else if (const auto* output = std::get_if<ProcessOutput>(&event)) {
            pool->on_output(*output);
        } else if (const auto* message = std::get_if<ProcessMessage>(&event)) {
            pool->on_message(*message, now);
        } else if (const auto* taken = std::get_if<ProcessInputTaken>(&event)) {
            pool->on_input_taken(*taken, now);
        } else if (const auto* end = std::get_if<ProcessEnded>(&event)) {
            owners_.erase(end->key);
            pool->on_end(*end, now);
            changed_.notify_all();
        }
    });
}

void ServiceRunner::watch_time(const std::stop_token& stop)
{
    while (!stop.stop_requested()) {
        bool is_due = false;
        {
            std::unique_lock lock(mutex_);
            const auto planned = planned_;
            const auto is_changed = [&] { return planned_ != planned; };
            if (planned) {
                changed_.wait_until(lock, stop, *planned, is_changed);
            } else {
                changed_.wait(lock, stop, is_changed);
            }
            is_due = planned_ && *planned_ <= Clock::now();
            if (is_due) {
                planned_.reset();
            }
        }
        if (is_due && !stop.stop_requested()) {
            act([&] {
                for (const auto& [key, pool] : pools_) {
                    pool->tick(Clock::now());
                }
            });
        }
    }
}

} // namespace jobrunner
