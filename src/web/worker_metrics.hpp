#pragma once

#include "core/worker_figures.hpp"

#include <string>

namespace jobrunner {

// One worker's figures in Prometheus' text format; docs/workers.md explains each.
[[nodiscard]] std::string worker_metrics_text(const WorkerFigures& figures);

} // namespace jobrunner
