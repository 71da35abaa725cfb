#pragma once

#include "core/job.hpp"
#include "core/settlement.hpp"

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace jobrunner {

// Why a running job is told to stop; its report says so.
enum class StopCause {
    cancelled, // somebody asked for it
    released   // the worker goes away: another one shall run it
};

// Kinds that cannot be run here for the time being, and why.
struct HeldBack {
    std::string service; // whose children do not start
    std::set<std::string> kinds;
    int failures = 0;  // in a row
    std::string error; // how the last one ended

    [[nodiscard]] bool operator==(const HeldBack&) const = default;
};

// What a runner tells about the jobs that it runs. Threads: called from any of the runner's threads; must not block long.
class RunSink {
public:
    virtual ~RunSink() = default;
    // The job's one and last word.
    virtual void done(const ClaimToken& token, RunReport report) = 0;
    virtual void wrote(const ClaimToken& token, const std::string& stream, std::string text) = 0;
    virtual void progressed(const ClaimToken& token, std::optional<double> percent,
        std::optional<std::string> note, std::optional<std::string> checkpoint) = 0;
    // These, and no others, cannot be run here for the time being: more of their jobs would only come back.
    // A sink that claims nothing need not care.
    virtual void held_back(const std::vector<HeldBack>& services) { static_cast<void>(services); }
};

// Runs claimed jobs of some kinds: the seam between a worker and the ways to execute a job.
//
// Every start() is answered by exactly one RunSink::done(), at once or later, except after kill_all() when the lease
// was lost and for jobs still running at destruction.
// Threads: all methods from any thread.
class JobRunner {
public:
    virtual ~JobRunner() = default;

    virtual void start(const ClaimedJob& job) = 0;
    // Asks a job to stop, and makes it stop after its grace. Nothing happens if it does not run.
    virtual void stop(const ClaimToken& token, StopCause cause) = 0;
    // Ends everything at once.
    virtual void kill_all(StopCause cause) = 0;
    // No job may run past this instant (CLOCK_BOOTTIME, nanoseconds) unless told a later one.
    virtual void lease_until(std::chrono::nanoseconds boot_time) = 0;
};

} // namespace jobrunner
