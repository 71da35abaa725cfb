#pragma once

#include "core/job.hpp"
#include "storage/limits.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace jobrunner {

using BatchId = std::int64_t;

// Callbacks are jobs as JSON objects of columns, as enqueue_many() takes them.
struct NewBatch {
    std::string name{};
    std::optional<std::string> on_success{};  // every member has completed
    std::optional<std::string> on_complete{}; // every member has finished
    std::optional<std::string> on_death{};    // a member is dead
    std::optional<BatchId> parent{};          // the batch of which it is a part
    bool sealed = false;                      // it may finish as soon as its members have
};

struct BatchRow {
    BatchId id = 0;
    std::string name;
    std::optional<BatchId> parent;
    std::string state; // open, sealed or finished
    std::int64_t unfinished = 0;
    std::int64_t running = 0;
    std::int64_t completed = 0;
    std::int64_t cancelled = 0;
    std::int64_t dead = 0;
    Instant created_at;
    std::optional<Instant> sealed_at;
    std::optional<Instant> finished_at;
    std::optional<Instant> succeeded_at;
    std::optional<Instant> died_at;
    std::optional<Instant> eta; // by its pace so far
    std::optional<std::string> problem;
};

// A job that another one waits for, or waited for.
struct ParentRow {
    JobId id = 0;
    std::string state; // its own while it is unfinished, then how it ended
    bool met = false;  // the other one waits for it no more
    std::optional<std::string> result;
};

// What decides whether a waiting job runs, besides its own row.
struct WaitFacts {
    bool queue_paused = false;
    int workers = 0;          // live ones that take jobs
    int workers_of_queue = 0; // of those, the ones that serve its queue
    int workers_of_kind = 0;  // of those, the ones that have its kind
    int workers_able = 0;     // of those, the ones that have its labels
    int slots_free = 0;       // of the able ones
    std::vector<std::string> requires_labels;
    std::optional<std::string> serial_key;
    std::optional<JobId> turn; // whose turn the serial key has
    std::optional<std::string> turn_state;
    std::int64_t ahead = 0; // runnable jobs that come before it in its queue, counted up to ahead_max
    bool due = false;       // its time has come, by the database's clock
    bool held = false;      // it waits in the line of a limit: of this one, unless it was just removed
    std::optional<Limit> limit;
    std::vector<std::string> holders; // jobs that run under that limit, five at most
};

inline constexpr int ahead_max = 10'000;

} // namespace jobrunner
