#pragma once

#include <string>
#include <string_view>

namespace jobrunner {

// The version on the line "-- Oldest binary: X" at the head of a migration: older binaries do not fit the schema once
// it is applied. "0.0.0" if there is none.
[[nodiscard]] std::string oldest_binary(std::string_view migration_sql);

} // namespace jobrunner
