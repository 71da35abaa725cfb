#include "web/metrics.hpp"

#include "core/version.hpp"
#include "web/metric_families.hpp"
#include "web/problems.hpp"

#include <algorithm>
#include <array>
#include <map>

namespace jobrunner {
namespace {

using prometheus::MetricType;

constexpr const char* others = "(others)";

std::int64_t unfinished(const QueueRow& queue)
{
    return queue.available + queue.scheduled + queue.blocked + queue.running + queue.retryable;
}

void add(QueueRow& sum, const QueueRow& queue)
{
    sum.available += queue.available;
    sum.scheduled += queue.scheduled;
    sum.blocked += queue.blocked;
    sum.running += queue.running;
    sum.retryable += queue.retryable;
    sum.dead += queue.dead;
    sum.oldest_age = std::max(sum.oldest_age, queue.oldest_age);
}

std::vector<QueueRow> bounded(std::vector<QueueRow> queues)
{
    if (queues.size() <= metric_labels_max) {
        return queues;
    }
    std::ranges::stable_sort(queues, std::greater{}, unfinished);
    QueueRow rest;
    rest.queue = others;
    for (std::size_t i = metric_labels_max; i < queues.size(); ++i) {
        add(rest, queues[i]);
    }
    queues.resize(metric_labels_max);
    queues.push_back(rest);
    return queues;
}

void add(KindStatsRow& sum, const KindStatsRow& row)
{
    sum.completed += row.completed;
    sum.failed += row.failed;
    sum.dead += row.dead;
    sum.cancelled += row.cancelled;
    sum.snoozed += row.snoozed;
    sum.released += row.released;
    sum.crashed += row.crashed;
    sum.run_ms += row.run_ms;
    sum.wait_ms += row.wait_ms;
}

using Work = std::pair<QueueAndKind, KindStatsRow>;

// By name rather than by work: a series that comes and goes would not be a counter any more.
std::vector<Work> bounded(const StatsTotals& totals)
{
    std::vector<Work> work;
    for (const auto& [key, counts] : totals) {
        if (work.size() < metric_labels_max) {
            work.emplace_back(key, counts);
            continue;
        }
        if (work.size() == metric_labels_max) {
            work.push_back({{others, others}, {}});
        }
        add(work.back().second, counts);
    }
    return work;
}

void add_queues(MetricFamilies& families, const Snapshot& snapshot)
{
    struct State {
        const char* name;
        std::int64_t QueueRow::*count;
    };
    constexpr std::array states{State{"available", &QueueRow::available},
        State{"scheduled", &QueueRow::scheduled}, State{"blocked", &QueueRow::blocked},
        State{"running", &QueueRow::running}, State{"retryable", &QueueRow::retryable},
        State{"dead", &QueueRow::dead}};
    const auto queues = bounded(snapshot.queues);
    auto& jobs = families.family("jobrunner_jobs", "Jobs by queue and state.", MetricType::Gauge);
    for (const auto& queue : queues) {
        for (const auto& state : states) {
            MetricFamilies::add_gauge(jobs, {{"queue", queue.queue}, {"state", state.name}},
                static_cast<double>(queue.*state.count));
        }
    }
    auto& ages = families.family("jobrunner_oldest_runnable_age_seconds",
        "How long the oldest job that may run has waited.", MetricType::Gauge);
    for (const auto& queue : queues) {
        const auto age = queue.oldest_age.value_or(Milliseconds{0});
        MetricFamilies::add_gauge(ages, {{"queue", queue.queue}}, static_cast<double>(age.count()) / 1000.0);
    }
    auto& paused =
        families.family("jobrunner_queue_paused", "1 where the queue is paused.", MetricType::Gauge);
    for (const auto& queue : queues) {
        MetricFamilies::add_gauge(paused, {{"queue", queue.queue}}, queue.paused ? 1 : 0);
    }
}

void add_settled(MetricFamilies& families, const Snapshot& snapshot)
{
    struct Count {
        const char* name;
        const char* help;
        std::int64_t KindStatsRow::*count;
    };
    constexpr std::array counts{
        Count{"jobrunner_jobs_completed_total", "Jobs that completed.", &KindStatsRow::completed},
        Count{"jobrunner_attempts_failed_total", "Attempts that failed and are to be repeated.",
            &KindStatsRow::failed},
        Count{"jobrunner_jobs_dead_total", "Jobs that died.", &KindStatsRow::dead},
        Count{"jobrunner_jobs_cancelled_total", "Jobs that were cancelled.", &KindStatsRow::cancelled},
        Count{"jobrunner_attempts_snoozed_total", "Attempts that asked for a later run.",
            &KindStatsRow::snoozed},
        Count{"jobrunner_attempts_released_total", "Attempts that a stopping worker gave back.",
            &KindStatsRow::released},
        Count{"jobrunner_attempts_crashed_total", "Attempts that were taken back from lost workers.",
            &KindStatsRow::crashed}};
    const auto work = bounded(snapshot.totals);
    const auto labels = [](const QueueAndKind& key) {
        return MetricFamilies::Labels{{"queue", key.first}, {"kind", key.second}};
    };
    for (const auto& count : counts) {
        auto& family = families.family(count.name, count.help, MetricType::Counter);
        for (const auto& [key, row] : work) {
            MetricFamilies::add_counter(family, labels(key), row.*count.count);
        }
    }
    auto& runs =
        families.family("jobrunner_run_seconds", "How long jobs that completed ran.", MetricType::Summary);
    for (const auto& [key, row] : work) {
        MetricFamilies::add_summary(runs, labels(key), row.completed, row.run_ms);
    }
    auto& waits = families.family("jobrunner_wait_seconds",
        "How long jobs that completed waited, from when they might run until they did.", MetricType::Summary);
    for (const auto& [key, row] : work) {
        MetricFamilies::add_summary(waits, labels(key), row.completed, row.wait_ms);
    }
}

void add_workers(MetricFamilies& families, const Snapshot& snapshot)
{
    std::map<std::string, int> states{{"running", 0}, {"quiet", 0}, {"stopping", 0}, {"lost", 0}};
    int slots = 0;
    int running = 0;
    for (const auto& worker : snapshot.workers) {
        const auto state = states.find(worker.state);
        if (state != states.end()) {
            ++state->second;
        }
        slots += worker.state == "running" ? worker.slots : 0;
        running += state != states.end() && worker.state != "lost" ? worker.running : 0;
    }
    auto& family = families.family("jobrunner_workers", "Workers by state.", MetricType::Gauge);
    for (const auto& [state, count] : states) {
        MetricFamilies::add_gauge(family, {{"state", state}}, count);
    }
    families.gauge("jobrunner_slots", "Slots of the workers that take jobs.", slots);
    families.gauge("jobrunner_slots_used", "Jobs that the workers run.", running);
}

void add_wanted(MetricFamilies& families, const Snapshot& snapshot)
{
    std::int64_t wanted = 0;
    for (const auto& queue : snapshot.queues) {
        wanted += queue.running + (queue.paused ? 0 : queue.available);
    }
    families.gauge("jobrunner_slots_wanted",
        "Jobs that run or may run now: as many slots would keep nobody waiting.",
        static_cast<double>(wanted));
}

void add_problems(MetricFamilies& families, const Snapshot& snapshot)
{
    std::map<Severity, int> counts{{Severity::error, 0}, {Severity::warning, 0}, {Severity::note, 0}};
    for (const auto& problem : find_problems(snapshot)) {
        ++counts[problem.severity];
    }
    auto& family = families.family(
        "jobrunner_problems", "What the overview says is wrong, by severity.", MetricType::Gauge);
    for (const auto& [severity, count] : counts) {
        MetricFamilies::add_gauge(family, {{"severity", std::string(to_string(severity))}}, count);
    }
}

void add_findings(MetricFamilies& families, const Snapshot& snapshot)
{
    std::map<std::pair<std::string, std::string>, int> counts;
    for (const auto& finding : snapshot.findings) {
        ++counts[{finding.code, finding.severity}];
    }
    auto& family = families.family("jobrunner_findings",
        "What `jobrunner doctor` finds, looked for every five minutes.", MetricType::Gauge);
    for (const auto& [key, count] : counts) {
        MetricFamilies::add_gauge(family, {{"code", key.first}, {"severity", key.second}}, count);
    }
}

} // namespace

std::string metrics_text(const Snapshot& snapshot, TimePoint now)
{
    MetricFamilies families;
    MetricFamilies::add_gauge(
        families.family("jobrunner_build_info", "1, with the program's version.", MetricType::Gauge),
        {{"version", std::string(version())}}, 1);
    families.gauge("jobrunner_up", "1 if the database could be read.", snapshot.error ? 0 : 1);
    families.gauge("jobrunner_snapshot_age_seconds", "How old the figures below are.",
        static_cast<double>(std::max<std::int64_t>(0, (now - snapshot.taken_at).count())) / 1000.0);
    add_queues(families, snapshot);
    add_settled(families, snapshot);
    add_workers(families, snapshot);
    add_wanted(families, snapshot);
    add_problems(families, snapshot);
    add_findings(families, snapshot);
    return families.text();
}

} // namespace jobrunner
