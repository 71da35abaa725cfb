#pragma once

#include "storage/storage.hpp"

#include <pqxx/pqxx>

namespace jobrunner::postgres {

// Readers of result rows. Each expects the columns of its query in queries.sql, in their order.
[[nodiscard]] ClaimedJob claimed_job(const pqxx::row& row, WorkerId worker);
[[nodiscard]] JobRow job_row(const pqxx::row& row);
[[nodiscard]] AttemptRow attempt_row(const pqxx::row& row);
[[nodiscard]] QueueRow queue_row(const pqxx::row& row);
[[nodiscard]] WorkerRow worker_row(const pqxx::row& row);
// The kind stands in column `first`, the counts behind it.
[[nodiscard]] KindStatsRow kind_stats_row(const pqxx::row& row, int first);

// In claim order, which RETURNING does not keep.
[[nodiscard]] std::vector<ClaimedJob> claimed_jobs(const pqxx::result& rows, WorkerId worker);
[[nodiscard]] Limit limit_of(const pqxx::row& row, int first);

[[nodiscard]] std::string text(const pqxx::field& field);
[[nodiscard]] std::int64_t number(const pqxx::field& field);
[[nodiscard]] bool truth(const pqxx::field& field);
[[nodiscard]] std::optional<std::string> maybe_text(const pqxx::field& field);
[[nodiscard]] std::optional<std::int64_t> maybe_number(const pqxx::field& field);
[[nodiscard]] std::optional<Milliseconds> maybe_length(const pqxx::field& field);

} // namespace jobrunner::postgres
