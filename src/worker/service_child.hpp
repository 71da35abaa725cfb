#pragma once

#include "core/job.hpp"
#include "core/settlement.hpp"
#include "executor/process.hpp"
#include "worker/service_report.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace jobrunner {

// A job that a service's child has.
struct ServiceRun {
    using Time = std::chrono::steady_clock::time_point;

    ClaimToken token;
    std::uint64_t hand_over = 0; // with which it came: shared by the jobs of a chunk
    std::optional<RunEnd> doom;  // what it was told to stop for
    std::string malformed;       // the first message of it that was none
    Milliseconds timeout{0};
    std::optional<Time> deadline; // then it is told to stop, or its child made to
    std::string output;
    bool wrote_live = false;

    // Keeps the end of what it prints: at least `bytes_max`, at most twice that.
    void keep_output(std::string_view more, std::size_t bytes_max);
    // Its report when the child has said how it ended. A job that was told to stop and finishes all the same has finished.
    [[nodiscard]] RunReport ended(RunReport said, std::size_t output_max) const;
    // Its report when the child has gone without a word about it.
    [[nodiscard]] RunReport orphaned(
        const ProcessEnded& end, const std::optional<ServiceTrouble>& trouble, std::size_t output_max) const;
};

// A child of a service, from its start to its end.
struct ServiceChild {
    using Time = ServiceRun::Time;

    pid_t pid = 0;
    int concurrency = 0; // 0: not ready yet
    std::map<JobId, ServiceRun> jobs;
    std::map<std::uint64_t, int> hand_overs; // how many of its jobs came with each; a chunk takes one place
    int taken = 0;
    int ended = 0;
    bool retiring = false;
    bool told = false;    // to shut down
    bool stopped = false; // was sent SIGTERM, by us
    bool congested = false;
    std::optional<ServiceTrouble> trouble; // why its jobs fail, if it is not by its own death
    std::optional<Time> deadline;          // to be ready, or to be gone
    Time idle_since;

    void remove(std::map<JobId, ServiceRun>::iterator run);
    // It is meant to stay.
    [[nodiscard]] bool is_living() const { return !retiring && !stopped; }
    [[nodiscard]] bool has_room() const
    {
        return is_living() && !congested && static_cast<int>(hand_overs.size()) < concurrency;
    }
};

} // namespace jobrunner
