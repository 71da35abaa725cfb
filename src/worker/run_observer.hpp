#pragma once

#include "core/job.hpp"
#include "core/settlement.hpp"

namespace jobrunner {

// Hears of jobs as a worker runs them. Threads: called from any of the worker's; must not block.
class RunObserver {
public:
    virtual ~RunObserver() = default;
    // It is about to run.
    virtual void started(const ClaimedJob& job) = 0;
    // How an attempt ended, once the database has it; not called for a claim that was lost.
    virtual void settled(const Settlement& settlement, Settled how) = 0;
};

} // namespace jobrunner
