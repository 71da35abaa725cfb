#pragma once

#include <prometheus/metric_family.h>

#include <cstdint>
#include <string>
#include <vector>

namespace jobrunner {

// Families of metrics in the making; one for each name.
class MetricFamilies {
public:
    using Labels = std::vector<prometheus::ClientMetric::Label>;

    // Good until the next family is made.
    prometheus::MetricFamily& family(const char* name, const char* help, prometheus::MetricType type);
    void gauge(const char* name, const char* help, double value);
    void counter(const char* name, const char* help, std::int64_t value);

    static void add_gauge(prometheus::MetricFamily& family, Labels labels, double value);
    static void add_counter(prometheus::MetricFamily& family, Labels labels, std::int64_t value);
    static void add_summary(
        prometheus::MetricFamily& family, Labels labels, std::int64_t count, std::int64_t sum_ms);

    // In Prometheus' text format.
    [[nodiscard]] std::string text() const;

private:
    std::vector<prometheus::MetricFamily> all_;
};

} // namespace jobrunner
