#pragma once

#include "core/worker_figures.hpp"
#include "web/access.hpp"

#include <functional>
#include <memory>

namespace jobrunner {

// Answers for one worker: /metrics, /healthz and /readyz. Where the configuration knows tokens, the metrics need one.
//
// Thread-safe.
class WorkerPage {
public:
    using Figures = std::function<WorkerFigures()>;

    WorkerPage(const WebConfig& config, Figures figures);

    [[nodiscard]] std::optional<WebAnswer> early_answer(const WebRequest& request) const;
    [[nodiscard]] WebAnswer answer(const WebRequest& request) const;

private:
    [[nodiscard]] WebAnswer metrics(const WebRequest& request) const;
    [[nodiscard]] WebAnswer ready() const;

    Access access_;
    Figures figures_;
};

// Serves a WorkerPage at `address` until what is returned is destroyed. Throws Error{usage} when it cannot be had.
[[nodiscard]] std::shared_ptr<void> serve_worker_page(
    const WebConfig& config, const std::string& address, WorkerPage::Figures figures);

} // namespace jobrunner
