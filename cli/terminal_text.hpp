#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace jobrunner {

// Text from rows made fit for people's eyes. What a terminal might obey becomes a visible escape: \x1b for
// controls and for bytes that are no UTF-8, \u202e for bidirectional overrides and their like.

// For one line: line breaks become \n, tabs \t.
[[nodiscard]] std::string shown(std::string_view text);
// For output of jobs: line breaks and tabs stay, and a carriage return before a line break goes.
[[nodiscard]] std::string shown_lines(std::string_view text);

// Columns that shown text takes up.
[[nodiscard]] std::size_t display_width(std::string_view text);
// Shown text cut to at most `width` columns, ending in … where something is missing.
[[nodiscard]] std::string cut_to_width(std::string_view text, std::size_t width);

// Words in one line, with a comma and a space between them.
[[nodiscard]] std::string joined(const std::vector<std::string>& words);

} // namespace jobrunner
