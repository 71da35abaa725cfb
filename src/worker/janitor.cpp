#include "worker/janitor.hpp"

#include "worker/worker_log.hpp"

#include <map>
#include <random>

namespace jobrunner {
namespace {

constexpr int rescue_batch = 200;
constexpr int expire_batch = 500;
constexpr std::chrono::milliseconds every{1000};
constexpr int tidy_seconds = 60;
constexpr int idle_tidy_seconds = 3600; // where nothing has run meanwhile

// Workers started together do not tidy together.
std::chrono::seconds spread(int seconds)
{
    thread_local std::minstd_rand random(std::random_device{}());
    return std::chrono::seconds(std::uniform_int_distribution(seconds * 3 / 4, seconds * 5 / 4)(random));
}

} // namespace

Janitor::Janitor(OpenStorage open, std::vector<Milliseconds> keeps, std::function<void(Storage&)> reread)
    : storage_(std::move(open), "maintain"), keeps_(std::move(keeps)), reread_(std::move(reread))
{
}

void Janitor::run(const std::stop_token& stop)
{
    std::chrono::steady_clock::time_point next_tidy{};
    std::chrono::steady_clock::time_point next_idle_tidy{};
    while (!stop.stop_requested()) {
        auto wait = every;
        try {
            Storage& storage = storage_.get();
            if (upkeep_.exchange(false)) {
                upkeep(storage, stop);
            }
            const auto now = std::chrono::steady_clock::now();
            if (now >= (worked_ ? next_tidy : next_idle_tidy)) {
                worked_ = false;
                next_tidy = now + spread(tidy_seconds);
                next_idle_tidy = now + spread(idle_tidy_seconds);
                storage.tidy(keeps_);
            }
            reread_(storage);
            wait = std::min(wait, schedules_.keep(storage));
            storage_.worked();
        } catch (const Error& error) {
            wait = storage_.failed(error);
        }
        pause_.wait(stop, wait);
    }
}

void Janitor::upkeep(Storage& storage, const std::stop_token& stop)
{
    try {
        rescue(storage, stop);
        expire(storage, stop);
    } catch (const Error&) {
        upkeep_ = true; // as soon as the database is back
        throw;
    }
}

void Janitor::rescue(Storage& storage, const std::stop_token& stop)
{
    std::vector<Settlement> ends;
    std::size_t before = 0;
    do {
        before = ends.size();
        ends.clear();
        for (const auto& job : storage.abandoned(rescue_batch)) {
            ends.push_back(decide_abandoned(job));
        }
        if (!ends.empty()) {
            settle_each(storage, ends);
        }
        // As many again as before means that none could be taken back: the next sweep tries again.
    } while (!ends.empty() && ends.size() != before && !stop.stop_requested());
}

void Janitor::settle_each(Storage& storage, const std::vector<Settlement>& ends)
{
    std::map<WorkerId, std::vector<Settlement>> by_worker;
    for (const auto& end : ends) {
        by_worker[end.token.worker].push_back(end);
    }
    for (const auto& [worker, mine] : by_worker) {
        try {
            static_cast<void>(storage.settle(mine, worker, {}));
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::refused && error.kind() != ErrorKind::internal) {
                throw;
            }
            for (const auto& one : mine) {
                try {
                    static_cast<void>(storage.settle({&one, 1}, worker, {}));
                } catch (const Error& bad) {
                    log_job(spdlog::level::err, "rescue_failed", one.token, one.kind, 0,
                        "error=" + log_value(bad.what()));
                }
            }
        }
        spdlog::warn("jobs_rescued worker={} jobs={}", worker, mine.size());
    }
}

void Janitor::expire(Storage& storage, const std::stop_token& stop)
{
    while (!stop.stop_requested() && storage.expire(expire_batch) == expire_batch) {
    }
}

} // namespace jobrunner
