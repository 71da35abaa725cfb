#include "worker/lease_keeper.hpp"

#include "executor/boot_clock.hpp"
#include "worker/worker_log.hpp"

#include <random>
#include <thread>

namespace jobrunner {
namespace {

constexpr std::chrono::milliseconds cancel_poll{1000};

std::chrono::nanoseconds boot_now()
{
    return BootClock::now().time_since_epoch();
}

// How long before a heartbeat is due another query may carry it: two looks' time, unless the lease is very short.
std::chrono::milliseconds carry_ahead(std::chrono::milliseconds lease)
{
    return std::min(std::chrono::milliseconds(2200), lease / 6);
}

WorkerId random_identity()
{
    std::random_device random;
    const auto bits = (static_cast<std::uint64_t>(random()) << 32U) | random();
    return static_cast<WorkerId>(bits >> 1U) | 1;
}

} // namespace

LeaseKeeper::LeaseKeeper(OpenStorage open, WorkerRecord record, Hooks hooks)
    : storage_(std::move(open), "lease"), record_(std::move(record)), hooks_(std::move(hooks))
{
}

std::optional<WorkerId> LeaseKeeper::identity() const
{
    const std::lock_guard lock(mutex_);
    // What is claimed in a lease's last fifth could be lost before it has begun.
    const bool good = boot_now() + record_.lease / 5 < lease_until_;
    return good ? id_ : std::nullopt;
}

void LeaseKeeper::add_to(WorkerFigures& figures) const
{
    switch (state_.load()) {
    case WorkerState::running:
        figures.phase = WorkerPhase::running;
        break;
    case WorkerState::quiet:
        figures.phase = WorkerPhase::quiet;
        break;
    case WorkerState::stopping:
        figures.phase = WorkerPhase::stopping;
        break;
    }
    figures.has_lease = identity().has_value();
    figures.leases_lost = leases_lost_;
    figures.connections.push_back(storage_.figures());
}

void LeaseKeeper::set_state(WorkerState state)
{
    state_ = state;
    next_beat_ = std::chrono::steady_clock::time_point{};
    pause_.nudge();
}

void LeaseKeeper::set_kinds(std::vector<KindPolicy> kinds)
{
    const std::lock_guard lock(mutex_);
    unpublished_ = std::move(kinds);
    next_beat_ = std::chrono::steady_clock::time_point{};
}

void LeaseKeeper::set_report(std::string report)
{
    {
        const std::lock_guard lock(mutex_);
        report_ = std::move(report);
    }
    next_beat_ = std::chrono::steady_clock::time_point{};
    pause_.nudge();
}

void LeaseKeeper::run(const std::stop_token& stop)
{
    while (!stop.stop_requested()) {
        // A look at the clock a second costs nothing; only long runs make it ask for cancel requests.
        auto wait = std::min(cancel_poll, std::chrono::milliseconds(record_.lease / 10));
        try {
            Storage& storage = storage_.get();
            if (std::chrono::steady_clock::now() >= next_beat_.load()) {
                beat(storage);
            }
            look_for_cancels(storage);
            storage_.worked();
        } catch (const Error& error) {
            wait = std::min(storage_.failed(error), std::chrono::milliseconds(record_.lease / 10));
        }
        check_expiry();
        pause_.wait(stop, wait);
    }
}

void LeaseKeeper::beat(Storage& storage)
{
    const auto sent = boot_now();
    const auto now = std::chrono::steady_clock::now();
    std::optional<WorkerId> id;
    std::optional<std::vector<KindPolicy>> kinds;
    std::string report;
    std::string written;
    {
        const std::lock_guard lock(mutex_);
        id = id_;
        kinds = std::exchange(unpublished_, std::nullopt);
        report = report_;
        written = written_report_;
    }
    if (kinds) {
        publish(storage, std::move(*kinds));
    }
    if (!id) {
        register_anew(storage);
    } else if (storage.heartbeat({.worker = *id,
                   .state = state_,
                   .running = hooks_.running(),
                   .report = report != written ? std::optional(report) : std::nullopt})) {
        const std::lock_guard lock(mutex_);
        written_report_ = std::move(report);
    } else {
        lose("the database says that it has passed");
        register_anew(storage);
    }
    bool is_all_written = true;
    {
        const std::lock_guard lock(mutex_);
        id = id_;
        is_all_written = report_ == written_report_;
    }
    next_beat_ = is_all_written ? now + record_.lease / 3 : now;
    renew(*id, sent);
}

bool LeaseKeeper::renew(WorkerId worker, std::chrono::nanoseconds sent)
{
    const std::lock_guard order(lease_order_);
    std::chrono::nanoseconds until{0};
    {
        const std::lock_guard lock(mutex_);
        if (id_ != worker) {
            return false;
        }
        lease_until_ = until = std::max(lease_until_, sent + std::chrono::nanoseconds(record_.lease));
    }
    next_carry_ = std::chrono::steady_clock::now() + record_.lease / 3 - carry_ahead(record_.lease);
    hooks_.on_lease(until);
    return true;
}

std::optional<Heartbeat> LeaseKeeper::beat_to_carry() const
{
    const auto now = std::chrono::steady_clock::now();
    if (now < next_carry_.load() || now >= next_beat_.load()) {
        return std::nullopt;
    }
    const std::lock_guard lock(mutex_);
    if (!id_ || unpublished_ || report_ != written_report_) {
        return std::nullopt;
    }
    return Heartbeat{.worker = *id_, .state = state_, .running = hooks_.running()};
}

void LeaseKeeper::carried(WorkerId worker, std::chrono::nanoseconds sent, bool renewed)
{
    if (!renewed) {
        next_beat_ = std::chrono::steady_clock::time_point{}; // Its own beat finds out why.
        pause_.nudge();
        return;
    }
    auto due = next_beat_.load();
    const auto next = std::chrono::steady_clock::now() + record_.lease / 3;
    // Somebody may have asked for a beat meanwhile, which is to say something else.
    if (renew(worker, sent) && due != std::chrono::steady_clock::time_point{}) {
        next_beat_.compare_exchange_strong(due, next);
    }
}

void LeaseKeeper::publish(Storage& storage, std::vector<KindPolicy> kinds)
{
    try {
        storage.publish_kinds(kinds, record_.name);
    } catch (const Error&) {
        const std::lock_guard lock(mutex_);
        unpublished_ = unpublished_ ? std::move(unpublished_) : std::move(kinds);
        throw;
    }
    record_.kinds.clear();
    for (const auto& kind : kinds) {
        record_.kinds.push_back(kind.kind);
    }
}

void LeaseKeeper::register_anew(Storage& storage)
{
    record_.id = random_identity();
    storage.register_worker(record_);
    spdlog::info("worker_registered worker={} lease={} slots={}", record_.id, format_duration(record_.lease),
        record_.slots);
    const std::lock_guard lock(mutex_);
    written_report_ = "{}"; // as fresh rows have it
    id_ = record_.id;
}

void LeaseKeeper::look_for_cancels(Storage& storage)
{
    std::optional<WorkerId> id;
    {
        const std::lock_guard lock(mutex_);
        id = id_;
    }
    if (id && hooks_.has_long_runs()) {
        for (const auto& request : storage.cancel_requests(*id)) {
            hooks_.on_cancel(request.token);
        }
    }
}

void LeaseKeeper::check_expiry()
{
    bool expired = false;
    {
        const std::lock_guard lock(mutex_);
        expired = id_ && boot_now() >= lease_until_;
    }
    if (expired) {
        lose("no heartbeat came through in time");
        next_beat_ = std::chrono::steady_clock::time_point{};
    }
}

void LeaseKeeper::lose(const char* why)
{
    const std::lock_guard order(lease_order_);
    std::optional<WorkerId> id;
    {
        const std::lock_guard lock(mutex_);
        id = std::exchange(id_, std::nullopt);
        lease_until_ = std::chrono::nanoseconds{0};
    }
    if (id) {
        ++leases_lost_;
        spdlog::error("lease_lost worker={} reason={}", *id, log_value(why));
        hooks_.on_lost(*id);
    }
}

void LeaseKeeper::retire()
{
    try {
        if (id_) {
            storage_.get().retire_worker(*id_);
        }
    } catch (const Error& error) {
        // Its lease then passes by itself.
        spdlog::warn("worker_not_retired error={}", log_value(error.what()));
    }
}

} // namespace jobrunner
