#pragma once

#include "storage/sqlite/connection.hpp"
#include "storage/storage.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace jobrunner::sqlite {

// Storage::settle() inside a transaction that has more to do than that. The connection must have been opened with the
// scratch table of complete_jobs.
[[nodiscard]] std::vector<Settled> settle_claims(Connection& connection,
    std::span<const Settlement> settlements, WorkerId worker, std::span<const std::int64_t> done_batches);

} // namespace jobrunner::sqlite
