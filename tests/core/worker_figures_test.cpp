#include "core/worker_figures.hpp"

#include <doctest/doctest.h>

using namespace jobrunner;

TEST_CASE("duration counts: each duration is counted once, at the first bound that holds it")
{
    DurationCounts counts;

    for (const double seconds : {0.0, 0.001, 0.0011, 5.0, 7.5}) {
        counts.add(seconds);
    }

    CHECK(counts.within[0] == 2);
    CHECK(counts.within[1] == 1);
    CHECK(counts.within[DurationCounts::bounds.size() - 1] == 1);
    CHECK(counts.within[DurationCounts::bounds.size()] == 1);
    CHECK(counts.count() == 5);
    CHECK(counts.sum_seconds == doctest::Approx(12.5021));
}

TEST_CASE("worker figures: ready is who runs, has a lease and reaches the database; others say why not")
{
    WorkerFigures figures;
    CHECK(reason_not_ready(figures) == "starting");

    figures.phase = WorkerPhase::running;
    CHECK(reason_not_ready(figures) == "the database is away");

    figures.connections = {{"claim", true, 0}, {"settle", false, 0}}; // It has had nothing to settle.
    CHECK(reason_not_ready(figures) == "it has no lease");

    figures.has_lease = true;
    CHECK_FALSE(reason_not_ready(figures));

    figures.phase = WorkerPhase::quiet;
    CHECK(reason_not_ready(figures) == "quiet");
    figures.phase = WorkerPhase::stopping;
    CHECK(reason_not_ready(figures) == "stopping");
    figures.phase = WorkerPhase::failed;
    CHECK(reason_not_ready(figures) == "failed");
}
