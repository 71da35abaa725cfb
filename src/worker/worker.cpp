#include "worker/worker.hpp"

#include "core/text.hpp"
#include "core/version.hpp"
#include "worker/random_share.hpp"
#include "worker/worker_log.hpp"
#include "worker/worker_report.hpp"

#include <unistd.h>

#include <set>

namespace jobrunner {
namespace {

constexpr Milliseconds flush_at_most{10'000};
constexpr std::size_t live_chunk_max = 60 * 1024;

std::string host_name()
{
    char name[256] = {};
    return ::gethostname(name, sizeof name - 1) == 0 ? name : "unknown";
}

RunBoard::Limits limits_of(const WorkerOptions& options)
{
    RunBoard::Limits limits;
    limits.slots = options.worker.slots;
    for (const auto& [queue, config] : options.queue_limits) {
        if (config.slots) {
            limits.queue_slots[queue] = *config.slots;
        }
    }
    return limits;
}

Abilities abilities_of(const WorkerOptions& options)
{
    Abilities abilities{
        .kinds = {}, .labels = options.worker.labels, .queues = options.queues, .weights = {}};
    for (const auto& [queue, config] : options.queue_limits) {
        abilities.weights[queue] = config.weight;
    }
    for (const auto& kind : options.kinds) {
        abilities.kinds.push_back(kind.kind);
    }
    return abilities;
}

std::vector<Milliseconds> keeps_of(const WorkerOptions& options)
{
    std::set<Milliseconds> keeps{std::chrono::hours(24 * 7)};
    for (const auto& kind : options.kinds) {
        if (kind.keep) {
            keeps.insert(*kind.keep);
        }
    }
    return {keeps.begin(), keeps.end()};
}

WorkerRecord record_of(const WorkerOptions& options)
{
    WorkerRecord record;
    record.lease = options.worker.lease;
    record.pid = static_cast<int>(::getpid());
    record.slots = options.worker.slots;
    record.host = host_name();
    record.name = options.worker.name.value_or(record.host);
    record.version = version();
    record.labels = options.worker.labels;
    record.queues = options.queues;
    return record;
}

OpenStorage opener(const WorkerOptions& options)
{
    return [database = options.database] { return open_storage(database); };
}

} // namespace

Worker::Worker(WorkerOptions options, const MakeRunner& make_runner, RunObserver* observer)
    : observer_(observer),
      board_(limits_of(options)),
      settler_(
          opener(options), board_, [this] { dispatcher_.nudge(); },
          [this](const Settlement& settlement, Settled how) {
              if (observer_ != nullptr) {
                  observer_->settled(settlement, how);
              }
          }),
      runner_(make_runner(*this)),
      keeper_(opener(options), record_of(options),
          {.on_lease = [this](std::chrono::nanoseconds until) { runner_->lease_until(until); },
              .on_lost =
                  [this](WorkerId worker) {
                      board_.forget(worker);
                      runner_->kill_all(StopCause::released);
                  },
              .on_cancel = [this](const ClaimToken& token) { runner_->stop(token, StopCause::cancelled); },
              .has_long_runs = [this] { return board_.has_run_longer_than(std::chrono::milliseconds(500)); },
              .running = [this] { return board_.running(); }}),
      dispatcher_(opener(options), open_wake(options.database), board_, abilities_of(options),
          {.identity = [this] { return keeper_.identity(); },
              .start = [this](std::vector<ClaimedJob> jobs) { start_all(std::move(jobs)); },
              .on_upkeep = [this] { janitor_.nudge(); },
              .on_schedules = [this](const ScheduleOutlook& outlook) { janitor_.saw_schedules(outlook); },
              .beat = [this] { return keeper_.beat_to_carry(); },
              .on_beat = [this](WorkerId worker, std::chrono::nanoseconds sent,
                             bool renewed) { keeper_.carried(worker, sent, renewed); }}),
      janitor_(opener(options), keeps_of(options), [this](Storage& storage) { dispatcher_.reread(storage); })
{
    reconfigure(options);
    settle_thread_ =
        guard("settle", [this](const std::stop_token& stop) { settler_.run(stop, flush_at_most); });
    lease_thread_ = guard("lease", [this](const std::stop_token& stop) { keeper_.run(stop); });
    janitor_thread_ = guard("maintain", [this](const std::stop_token& stop) { janitor_.run(stop); });
    claim_thread_ = guard("claim", [this](const std::stop_token& stop) { dispatcher_.run(stop); });
}

Worker::~Worker()
{
    stop(Milliseconds{0}, [] { return true; });
    // Waits for what its threads still have to say, while there is somebody to hear it.
    runner_.reset();
}

template <typename Run>
std::jthread Worker::guard(const char* name, Run run)
{
    return std::jthread([this, name, run](const std::stop_token& stop) {
        try {
            run(stop);
        } catch (const Error& error) {
            spdlog::critical("worker_failed thread={} error={}", name, log_value(error.what()));
            const std::lock_guard lock(mutex_);
            failure_ = error;
        } catch (const std::exception& error) {
            spdlog::critical("worker_failed thread={} error={}", name, log_value(error.what()));
            const std::lock_guard lock(mutex_);
            failure_ = Error(ErrorKind::internal, error.what());
        }
    });
}

void Worker::reconfigure(const WorkerOptions& options)
{
    {
        const std::lock_guard lock(mutex_);
        policies_.clear();
        for (const auto& kind : options.kinds) {
            policies_[kind.kind] = kind;
        }
    }
    board_.set_limits(limits_of(options));
    keeper_.set_kinds(options.kinds);
    janitor_.set_schedules(options.schedules);
    claim_what_runs(abilities_of(options));
    keeper_.nudge();
    dispatcher_.nudge();
}

void Worker::set_quiet(bool quiet)
{
    dispatcher_.set_quiet(quiet);
    keeper_.set_state(quiet ? WorkerState::quiet : WorkerState::running);
}

WorkerFigures Worker::figures() const
{
    WorkerFigures figures;
    figures.slots = board_.slots();
    figures.running = board_.running();
    figures.held = board_.held();
    dispatcher_.add_to(figures);
    settler_.add_to(figures);
    keeper_.add_to(figures);
    figures.connections.push_back(janitor_.connection());
    if (failure()) {
        figures.phase = WorkerPhase::failed;
    }
    return figures;
}

std::optional<Error> Worker::failure() const
{
    const std::lock_guard lock(mutex_);
    return failure_;
}

KindPolicy Worker::policy_of(const std::string& kind) const
{
    const std::lock_guard lock(mutex_);
    const auto found = policies_.find(kind);
    if (found != policies_.end()) {
        return found->second;
    }
    KindPolicy policy; // Taken out of the configuration while a job of it ran.
    policy.kind = kind;
    return policy;
}

void Worker::start_all(std::vector<ClaimedJob> jobs)
{
    if (!jobs.empty()) {
        janitor_.note_work();
    }
    // What a runner ends at once frees a slot at once, for which the next may wait.
    while (!jobs.empty()) {
        for (const auto& job : jobs) {
            log_job(spdlog::level::debug, "job_started", job.token, job.kind, job.attempt);
            if (observer_ != nullptr) {
                observer_->started(job);
            }
            runner_->start(job);
        }
        jobs = board_.next();
    }
}

void Worker::done(const ClaimToken& token, RunReport report)
{
    const auto job = board_.ended(token);
    if (!job) {
        return; // Its lease was lost meanwhile: somebody else has it.
    }
    {
        const std::lock_guard lock(mutex_);
        sequences_.erase(token.job);
    }
    settler_.push(decide(*job, policy_of(job->kind), std::move(report), random_share()));
    start_all(board_.next());
    dispatcher_.nudge();
}

void Worker::wrote(const ClaimToken& token, const std::string& stream, std::string text)
{
    while (!text.empty()) {
        std::size_t length = std::min(text.size(), live_chunk_max);
        while (length < text.size() && (static_cast<unsigned char>(text[length]) & 0xC0U) == 0x80U) {
            --length;
        }
        int sequence = 0;
        {
            const std::lock_guard lock(mutex_);
            sequence = ++sequences_[token.job];
        }
        settler_.write(LiveOutput{token, sequence, stream, text.substr(0, length)});
        text.erase(0, length);
    }
}

void Worker::progressed(const ClaimToken& token, std::optional<double> percent,
    std::optional<std::string> note, std::optional<std::string> checkpoint)
{
    settler_.write(Progress{token, percent, std::move(note), std::move(checkpoint)});
}

void Worker::claim_what_runs(std::optional<Abilities> abilities)
{
    const std::lock_guard lock(mutex_);
    if (abilities) {
        abilities_ = std::move(*abilities);
    }
    Abilities fit = abilities_;
    std::erase_if(fit.kinds, [this](const std::string& kind) { return held_back_.contains(kind); });
    dispatcher_.set_abilities(std::move(fit));
}

void Worker::held_back(const std::vector<HeldBack>& services)
{
    std::set<std::string> kinds;
    for (const auto& one : services) {
        kinds.insert(one.kinds.begin(), one.kinds.end());
    }
    std::set<std::string> before;
    {
        const std::lock_guard lock(mutex_);
        before = std::exchange(held_back_, kinds);
    }
    keeper_.set_report(worker_report(services));
    if (kinds == before) {
        return; // One more try has failed.
    }
    for (const auto& kind : kinds) {
        if (!before.contains(kind)) {
            spdlog::warn("kind_held_back kind={} reason=\"its service does not start\"", log_value(kind));
        }
    }
    claim_what_runs(std::nullopt);
    dispatcher_.nudge();
}

void Worker::give_back(const std::vector<ClaimedJob>& jobs)
{
    for (const auto& job : jobs) {
        RunReport report;
        report.end = RunEnd::released;
        settler_.push(decide(job, policy_of(job.kind), std::move(report), 0.5));
    }
}

void Worker::stop(Milliseconds at_most, const std::function<bool()>& hurry)
{
    if (std::exchange(stopped_, true)) {
        return;
    }
    keeper_.set_state(WorkerState::stopping);
    claim_thread_.request_stop();
    dispatcher_.nudge();
    claim_thread_.join();
    give_back(board_.take_waiting());
    const auto wait_until = [this](auto until, const auto& enough) {
        while (board_.running() > 0 && std::chrono::steady_clock::now() < until && !enough()) {
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
    };
    wait_until(std::chrono::steady_clock::now() + at_most, hurry);
    if (board_.running() > 0) {
        spdlog::warn("jobs_given_back running={}", board_.running());
        runner_->kill_all(StopCause::released);
        wait_until(std::chrono::steady_clock::now() + std::chrono::seconds(5), [] { return false; });
    }
    settle_thread_.request_stop();
    settle_thread_.join();
    lease_thread_.request_stop();
    lease_thread_.join();
    keeper_.retire();
    janitor_thread_.request_stop();
    janitor_thread_.join();
}

} // namespace jobrunner
