#include "core/worker_figures.hpp"

#include <algorithm>
#include <numeric>

namespace jobrunner {

void DurationCounts::add(double seconds)
{
    const auto bound = std::ranges::lower_bound(bounds, seconds);
    ++within[static_cast<std::size_t>(bound - bounds.begin())];
    sum_seconds += seconds;
}

std::int64_t DurationCounts::count() const
{
    return std::accumulate(within.begin(), within.end(), std::int64_t{0});
}

std::string_view to_string(WorkerPhase phase)
{
    switch (phase) {
    case WorkerPhase::starting:
        return "starting";
    case WorkerPhase::running:
        return "running";
    case WorkerPhase::quiet:
        return "quiet";
    case WorkerPhase::stopping:
        return "stopping";
    case WorkerPhase::failed:
        return "failed";
    }
    return "failed";
}

std::optional<std::string_view> reason_not_ready(const WorkerFigures& figures)
{
    if (figures.phase != WorkerPhase::running) {
        return to_string(figures.phase);
    }
    const auto claims = std::ranges::find(figures.connections, "claim", &ConnectionFigures::user);
    if (claims == figures.connections.end() || !claims->connected) {
        return "the database is away";
    }
    return figures.has_lease ? std::nullopt : std::optional<std::string_view>("it has no lease");
}

} // namespace jobrunner
