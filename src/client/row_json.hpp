#pragma once

#include "client/json_object.hpp"
#include "storage/storage.hpp"

#include <string>

namespace jobrunner {

// Rows as JSON objects for programs: members are named as the columns, instants are ISO 8601 in UTC, lengths of time
// are milliseconds (…_ms), ids are numbers of up to 64 bits.

[[nodiscard]] JsonObject to_json(const JobRow& job);
[[nodiscard]] JsonObject to_json(const AttemptRow& attempt);
[[nodiscard]] JsonObject to_json(const OutputRow& chunk);
[[nodiscard]] JsonObject to_json(const QueueRow& queue);
[[nodiscard]] JsonObject to_json(const WorkerRow& worker);
[[nodiscard]] JsonObject to_json(const KindStatsRow& kind);
[[nodiscard]] JsonObject to_json(const DeadGroup& group);

} // namespace jobrunner
