#include "web/metric_families.hpp"

#include <prometheus/text_serializer.h>

#include <sstream>

namespace jobrunner {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

MetricFamily& MetricFamilies::family(const char* name, const char* help, MetricType type)
{
    all_.push_back({name, help, type, {}});
    return all_.back();
}

void MetricFamilies::gauge(const char* name, const char* help, double value)
{
    add_gauge(family(name, help, MetricType::Gauge), {}, value);
}

void MetricFamilies::counter(const char* name, const char* help, std::int64_t value)
{
    add_counter(family(name, help, MetricType::Counter), {}, value);
}

void MetricFamilies::add_gauge(MetricFamily& family, Labels labels, double value)
{
    ClientMetric metric;
    metric.label = std::move(labels);
    metric.gauge.value = value;
    family.metric.push_back(std::move(metric));
}

void MetricFamilies::add_counter(MetricFamily& family, Labels labels, std::int64_t value)
{
    ClientMetric metric;
    metric.label = std::move(labels);
    metric.counter.value = static_cast<double>(value);
    family.metric.push_back(std::move(metric));
}

void MetricFamilies::add_summary(MetricFamily& family, Labels labels, std::int64_t count, std::int64_t sum_ms)
{
    ClientMetric metric;
    metric.label = std::move(labels);
    metric.summary.sample_count = static_cast<std::uint64_t>(count);
    metric.summary.sample_sum = static_cast<double>(sum_ms) / 1000.0;
    family.metric.push_back(std::move(metric));
}

std::string MetricFamilies::text() const
{
    std::ostringstream out;
    prometheus::TextSerializer().Serialize(out, all_);
    return out.str();
}

} // namespace jobrunner
