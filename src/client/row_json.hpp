#pragma once

#include "client/explain_job.hpp"
#include "client/json_object.hpp"
#include "storage/storage.hpp"

#include <string>

namespace jobrunner {

// Rows as JSON objects for programs: members are named as the columns, instants are ISO 8601 in UTC, lengths of time
// are milliseconds (…_ms), ids are numbers of up to 64 bits.

[[nodiscard]] JsonObject to_json(const JobRow& job, JsonIds ids = JsonIds::numbers);
[[nodiscard]] JsonObject to_json(const AttemptRow& attempt, JsonIds ids = JsonIds::numbers);
[[nodiscard]] JsonObject to_json(const ProgressRow& progress);
[[nodiscard]] JsonObject to_json(const OutputRow& chunk);
// 40, 55.5, 0.125: at most three digits behind the point.
[[nodiscard]] std::string percent_text(double percent);
[[nodiscard]] JsonObject to_json(const QueueRow& queue);
[[nodiscard]] JsonObject to_json(const LimitRow& row);
[[nodiscard]] JsonObject to_json(const WorkerRow& worker, JsonIds ids = JsonIds::numbers);
[[nodiscard]] JsonObject to_json(const KindStatsRow& kind);
[[nodiscard]] JsonObject to_json(const MinuteStatsRow& step);
[[nodiscard]] JsonObject to_json(const DeadGroup& group, JsonIds ids = JsonIds::numbers);
[[nodiscard]] JsonObject to_json(const BatchRow& batch, JsonIds ids = JsonIds::numbers);
[[nodiscard]] JsonObject to_json(
    const JobRow& job, const Explanation& explanation, JsonIds ids = JsonIds::numbers);
[[nodiscard]] JsonObject to_json(const Finding& finding);
[[nodiscard]] JsonObject to_json(const Violation& violation);
[[nodiscard]] JsonObject to_json(const ScheduleRow& schedule);
[[nodiscard]] JsonObject to_json(const ScheduleRunRow& run, JsonIds ids = JsonIds::numbers);

} // namespace jobrunner
