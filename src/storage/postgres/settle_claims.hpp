#pragma once

#include "storage/postgres/connection.hpp"
#include "storage/storage.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace jobrunner::postgres {

// Storage::settle() inside a transaction that has more to do than that.
[[nodiscard]] std::vector<Settled> settle_claims(Connection::Transaction& tx,
    std::span<const Settlement> settlements, WorkerId worker, std::span<const std::int64_t> done_batches);

} // namespace jobrunner::postgres
