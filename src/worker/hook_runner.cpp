#include "worker/hook_runner.hpp"

#include "core/text.hpp"
#include "worker/command_runner.hpp"
#include "worker/http_runner.hpp"
#include "worker/worker_log.hpp"

#include <nlohmann/json.hpp>

#include <random>
#include <utility>

namespace jobrunner {
namespace {

constexpr int running_max = 8;
constexpr std::size_t waiting_max = 10'000;
constexpr std::size_t error_bytes_max = 2'000;

// The configuration whose kinds are the hooks.
std::shared_ptr<const Config> config_of_hooks(const Config& config)
{
    auto hooks = std::make_shared<Config>(config);
    hooks->kinds.clear();
    for (const auto& hook : config.hooks) {
        hooks->kinds.push_back(hook.call);
    }
    return hooks;
}

// Processes are told apart by their job's token: of two workers on one host, too.
WorkerId random_start()
{
    std::random_device random;
    return std::uniform_int_distribution<WorkerId>(1, WorkerId{1} << 60)(random);
}

nlohmann::ordered_json event_args(
    std::string_view event, const ClaimToken& token, const std::string& kind, int attempt)
{
    return {{"event", event}, {"job_id", std::to_string(token.job)}, {"kind", kind}, {"attempt", attempt}};
}

std::string dumped(const nlohmann::ordered_json& args)
{
    return args.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string_view event_of(const Settlement& settlement)
{
    switch (settlement.verdict) {
    case Verdict::complete:
        return "completed";
    case Verdict::dead:
        return "dead";
    case Verdict::cancelled:
        return "cancelled";
    case Verdict::requeue:
        break;
    }
    return settlement.report.end == RunEnd::snoozed ? "snoozed"
        : is_failure(settlement.report.end)         ? "failed"
                                                    : "released";
}

} // namespace

HookRunner::HookRunner(std::shared_ptr<const Config> config, const std::string& database_without_password)
    : has_hooks_(!config->hooks.empty()),
      config_(std::move(config)),
      last_call_(random_start()),
      database_(database_without_password)
{
}

HookRunner::~HookRunner()
{
    runners_.reset();
}

void HookRunner::set_config(const std::shared_ptr<const Config>& config)
{
    const std::lock_guard lock(mutex_);
    config_ = config;
    has_hooks_ = !config->hooks.empty();
    if (runners_) {
        runners_->set_config(config_of_hooks(*config));
    }
}

// A worker without hooks pays for none. `mutex_` is held.
RunnerSet& HookRunner::runners()
{
    if (!runners_) {
        const auto hooks = config_of_hooks(*config_);
        RunSink& sink = *this;
        RunnerSet::Runners ways;
        ways[0] = std::make_unique<CommandRunner>(hooks, database_, sink);
        ways[2] = std::make_unique<HttpRunner>(hooks, sink);
        runners_ = std::make_unique<RunnerSet>(hooks, std::move(ways), sink);
    }
    return *runners_;
}

std::vector<std::string> HookRunner::wanted(std::string_view event, const std::string& kind)
{
    std::vector<std::string> hooks;
    if (!has_hooks_) {
        return hooks;
    }
    const std::lock_guard lock(mutex_);
    for (const auto& hook : config_->hooks) {
        if (hook.on.contains(std::string(event)) && (hook.kinds.empty() || hook.kinds.contains(kind))) {
            hooks.push_back(hook.call.policy.kind);
        }
    }
    return hooks;
}

void HookRunner::started(const ClaimedJob& job)
{
    if (const auto hooks = wanted("started", job.kind); !hooks.empty()) {
        call(hooks, job.token.job, dumped(event_args("started", job.token, job.kind, job.attempt)));
    }
}

void HookRunner::settled(const Settlement& settlement, Settled how)
{
    if (how == Settled::lost) {
        return;
    }
    const auto event = how == Settled::completed_by_job ? "completed"
        : how == Settled::failed_by_job                 ? "failed"
                                                        : event_of(settlement);
    const auto hooks = wanted(event, settlement.kind);
    if (hooks.empty()) {
        return;
    }
    auto args = event_args(event, settlement.token, settlement.kind, settlement.attempt);
    if (how == Settled::applied && settlement.verdict != Verdict::complete) {
        args["outcome"] = settlement.outcome;
        args["error"] = head_of(settlement.report.error, error_bytes_max);
        args["error_class"] = settlement.report.error_class;
    }
    if (how == Settled::applied && settlement.verdict == Verdict::requeue) {
        args["delay_ms"] = settlement.delay.count();
    }
    call(hooks, settlement.token.job, dumped(args));
}

void HookRunner::call(const std::vector<std::string>& hooks, JobId about, const std::string& args)
{
    {
        const std::lock_guard lock(mutex_);
        for (const auto& hook : hooks) {
            if (waiting_.size() >= waiting_max) {
                if (dropped_++ == 0) {
                    spdlog::warn("hooks_dropped hook={} reason=\"{} calls wait already\"", log_value(hook),
                        waiting_max);
                }
                continue;
            }
            ClaimedJob job;
            job.token = {about, 0, ++last_call_}; // No claim has fence 0: a hook can settle nothing.
            job.kind = hook;
            job.queue = "hooks";
            job.args = args;
            job.attempt = 1;
            job.attempt_limit = 1;
            waiting_.push_back(std::move(job));
        }
    }
    start_next();
}

// One thread at a time, and never from within itself: a call that fails at once comes back here by done().
void HookRunner::start_next()
{
    std::unique_lock lock(mutex_);
    if (std::exchange(starting_, true)) {
        return; // Who does it looks once more before it stops.
    }
    while (running_ < running_max && !waiting_.empty()) {
        const ClaimedJob job = std::move(waiting_.front());
        waiting_.pop_front();
        ++running_;
        RunnerSet& to = runners();
        lock.unlock();
        to.start(job);
        lock.lock();
    }
    starting_ = false;
}

void HookRunner::done(const ClaimToken& token, RunReport report)
{
    if (report.end != RunEnd::succeeded) {
        spdlog::warn("hook_failed job_id={} error={}", token.job, log_value(report.error));
    }
    {
        const std::lock_guard lock(mutex_);
        --running_;
        if (waiting_.empty() && dropped_ > 0) {
            spdlog::warn("hooks_dropped calls={}", std::exchange(dropped_, 0));
        }
        ended_.notify_all();
    }
    start_next();
}

void HookRunner::drain(Milliseconds at_most)
{
    std::unique_lock lock(mutex_);
    const bool all = ended_.wait_for(lock, at_most, [this] { return running_ == 0 && waiting_.empty(); });
    if (!all) {
        spdlog::warn("hooks_given_up running={} waiting={}", running_, waiting_.size());
        waiting_.clear();
    }
}

} // namespace jobrunner
