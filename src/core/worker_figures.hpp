#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jobrunner {

// How often something was done, and how long it took.
struct DurationCounts {
    static constexpr std::array<double, 8> bounds{
        0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0, 5.0}; // seconds

    // Counts one. A duration of exactly a bound is within it.
    void add(double seconds);
    [[nodiscard]] std::int64_t count() const;

    std::array<std::int64_t, bounds.size() + 1>
        within{}; // each bound and above the one before; the last: longer
    double sum_seconds = 0;
};

// One thread's connection to the database.
struct ConnectionFigures {
    std::string user; // claim, settle, lease or maintain
    bool connected = false;
    std::int64_t reconnections = 0; // times that the database was back after it had been away
};

enum class WorkerPhase { starting, running, quiet, stopping, failed };

[[nodiscard]] std::string_view to_string(WorkerPhase phase);

// What one worker says of itself. Counts begin with its process.
struct WorkerFigures {
    WorkerPhase phase = WorkerPhase::starting;
    bool has_lease = false;
    int slots = 0;
    int running = 0;
    int held = 0; // waiting for a slot, running, or not settled yet
    std::int64_t jobs_claimed = 0;
    std::int64_t completed = 0;
    std::int64_t failed = 0;
    std::int64_t dead = 0;
    std::int64_t other = 0; // snoozed, given back, cancelled
    std::int64_t lost = 0;  // came too late, and changed nothing
    std::int64_t leases_lost = 0;
    DurationCounts claims;  // statements
    DurationCounts settles; // transactions
    std::vector<ConnectionFigures> connections;
};

// Why the worker takes no jobs now; nothing: it does.
[[nodiscard]] std::optional<std::string_view> reason_not_ready(const WorkerFigures& figures);

} // namespace jobrunner
