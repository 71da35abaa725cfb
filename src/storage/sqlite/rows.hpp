#pragma once

#include "storage/sqlite/statement.hpp"
#include "storage/storage.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace jobrunner::sqlite {

// Readers of result rows. Each expects the columns of its query in queries.sql, in their order.
[[nodiscard]] ClaimedJob claimed_job(const Statement& row, WorkerId worker);
[[nodiscard]] JobRow job_row(const Statement& row);
[[nodiscard]] AttemptRow attempt_row(const Statement& row);
[[nodiscard]] QueueRow queue_row(const Statement& row);
[[nodiscard]] WorkerRow worker_row(const Statement& row);
// The kind stands in column `first`, the counts behind it.
[[nodiscard]] KindStatsRow kind_stats_row(const Statement& row, int first = 0);

// Lists are kept as JSON arrays.
[[nodiscard]] Limit limit_of(const Statement& row, int first);

[[nodiscard]] std::string to_json(const std::vector<std::string>& texts);
[[nodiscard]] std::string to_json(const std::vector<std::int64_t>& numbers);
[[nodiscard]] std::vector<std::string> parse_texts(const std::string& json);

} // namespace jobrunner::sqlite
