#pragma once

#include "web/snapshot.hpp"

#include <string>

namespace jobrunner {

// At most so many queues (the fullest ones), and pairs of queue and kind (the first by name), have series of their own.
// What all others come to stands under the label "(others)".
inline constexpr std::size_t metric_labels_max = 200;

// The metrics in Prometheus' text format; docs/web.md explains each.
[[nodiscard]] std::string metrics_text(const Snapshot& snapshot, TimePoint now);

} // namespace jobrunner
