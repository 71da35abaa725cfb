#include "web/worker_metrics.hpp"

#include "core/version.hpp"
#include "web/metric_families.hpp"

#include <limits>

namespace jobrunner {
namespace {

void add_phase(MetricFamilies& families, WorkerPhase now)
{
    using enum WorkerPhase;
    auto& family = families.family("jobrunner_worker_phase",
        "1 at the phase that the worker is in, 0 at the others.", prometheus::MetricType::Gauge);
    for (const auto phase : {starting, running, quiet, stopping, failed}) {
        MetricFamilies::add_gauge(family, {{"phase", std::string(to_string(phase))}}, phase == now ? 1 : 0);
    }
}

void add_connections(MetricFamilies& families, const std::vector<ConnectionFigures>& connections)
{
    auto& connected = families.family("jobrunner_worker_connected",
        "1 if what a thread last asked of the database was answered.", prometheus::MetricType::Gauge);
    for (const auto& one : connections) {
        MetricFamilies::add_gauge(connected, {{"thread", one.user}}, one.connected ? 1 : 0);
    }
    auto& back = families.family("jobrunner_worker_reconnections_total",
        "Times that the database was back after it had been away.", prometheus::MetricType::Counter);
    for (const auto& one : connections) {
        MetricFamilies::add_counter(back, {{"thread", one.user}}, one.reconnections);
    }
}

void add_settled(MetricFamilies& families, const WorkerFigures& figures)
{
    auto& family = families.family("jobrunner_worker_attempts_settled_total",
        "Attempts whose end was brought to the database.", prometheus::MetricType::Counter);
    MetricFamilies::add_counter(family, {{"outcome", "completed"}}, figures.completed);
    MetricFamilies::add_counter(family, {{"outcome", "failed"}}, figures.failed);
    MetricFamilies::add_counter(family, {{"outcome", "dead"}}, figures.dead);
    MetricFamilies::add_counter(family, {{"outcome", "other"}}, figures.other);
    MetricFamilies::add_counter(family, {{"outcome", "lost"}}, figures.lost);
}

void add_durations(
    MetricFamilies& families, const char* name, const char* help, const DurationCounts& durations)
{
    prometheus::ClientMetric metric;
    std::uint64_t so_far = 0;
    for (std::size_t i = 0; i < durations.within.size(); ++i) {
        so_far += static_cast<std::uint64_t>(durations.within[i]);
        const double bound = i < DurationCounts::bounds.size() ? DurationCounts::bounds[i]
                                                               : std::numeric_limits<double>::infinity();
        metric.histogram.bucket.push_back({so_far, bound});
    }
    metric.histogram.sample_count = so_far;
    metric.histogram.sample_sum = durations.sum_seconds;
    families.family(name, help, prometheus::MetricType::Histogram).metric.push_back(std::move(metric));
}

} // namespace

std::string worker_metrics_text(const WorkerFigures& figures)
{
    MetricFamilies families;
    MetricFamilies::add_gauge(families.family("jobrunner_build_info", "1, with the program's version.",
                                  prometheus::MetricType::Gauge),
        {{"version", std::string(version())}}, 1);
    families.gauge(
        "jobrunner_worker_ready", "1 if the worker takes jobs.", reason_not_ready(figures) ? 0 : 1);
    add_phase(families, figures.phase);
    families.gauge("jobrunner_worker_slots", "Jobs that may run at the same time.", figures.slots);
    families.gauge("jobrunner_worker_slots_used", "Jobs that run.", figures.running);
    families.gauge("jobrunner_worker_jobs_held",
        "Jobs that were claimed and are not settled yet: some wait for a slot.", figures.held);
    families.counter("jobrunner_worker_jobs_claimed_total", "Jobs that were claimed.", figures.jobs_claimed);
    add_settled(families, figures);
    families.counter(
        "jobrunner_worker_leases_lost_total", "Leases that passed without a heartbeat.", figures.leases_lost);
    add_connections(families, figures.connections);
    add_durations(families, "jobrunner_worker_claim_seconds", "How long a claim took, of a batch of jobs.",
        figures.claims);
    add_durations(families, "jobrunner_worker_settle_seconds", "How long a settle took, of a batch of jobs.",
        figures.settles);
    return families.text();
}

} // namespace jobrunner
