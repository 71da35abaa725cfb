#pragma once

#include "client/time_text.hpp"
#include "storage/storage.hpp"
#include "web/web_message.hpp"

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace jobrunner {

// The parameters behind the ? of a request. Every function throws Error{usage} that begins with the parameter's name.

// Refuses parameters that are not among the names, and those that are there twice.
void check_parameters(const WebRequest& request, std::initializer_list<std::string_view> names);
// Nothing where it is absent or empty.
[[nodiscard]] std::optional<std::string> parameter(const WebRequest& request, std::string_view name);

// state (several, separated by commas), kind, queue, tag, since, below, limit. `now` is for lengths of time.
[[nodiscard]] JobFilter read_filter(const WebRequest& request, TimePoint now, int limit_max);

// A state by its word, or several separated by commas.
[[nodiscard]] std::vector<JobState> read_states(std::string_view text, std::string_view name);
// A time, or a length of time back from now.
[[nodiscard]] Instant read_since(std::string_view text, std::string_view name, TimePoint now);

} // namespace jobrunner
