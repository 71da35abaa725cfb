#pragma once

#include "client/job_lines.hpp"
#include "storage/storage.hpp"

#include <functional>
#include <span>

namespace jobrunner {

inline constexpr std::size_t bulk_batch_max = 500;

// What one batch added: `added` stands for `lines`, in order.
using BatchAdded = std::function<void(std::span<const JobLine> lines, std::span<const Enqueued> added)>;

// Adds jobs in batches of at most bulk_batch_max, each in one transaction, in order. A batch that fails ends it: the
// Error says which lines stand in the database, which do not, and which may.
void enqueue_in_batches(
    Storage& storage, std::span<const JobLine> lines, OnConflict on_conflict, const BatchAdded& batch_added);

} // namespace jobrunner
