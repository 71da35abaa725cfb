#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace jobrunner {

// The text as every database takes it: valid UTF-8 without NUL. Bytes that are no UTF-8, and NULs, become U+FFFD.
[[nodiscard]] std::string scrub_text(std::string_view bytes);

// JSON text without what PostgreSQL's jsonb refuses: escapes of NUL and of lone surrogates become \ufffd, and bytes
// that are no UTF-8 become U+FFFD. The rest, numbers above all, stays as written.
[[nodiscard]] std::string scrub_json(std::string_view json);

// The longest end of `text` of at most `bytes_max` bytes that begins with a whole character.
[[nodiscard]] std::string_view tail_of(std::string_view text, std::size_t bytes_max);

// The longest beginning of `text` of at most `bytes_max` bytes that ends with a whole character.
[[nodiscard]] std::string_view head_of(std::string_view text, std::size_t bytes_max);

// The last line that is not blank, without its line end: most often what went wrong.
[[nodiscard]] std::string_view last_line_of(std::string_view text);

// A to Z in lower case; other bytes stay.
[[nodiscard]] std::string lower_ascii(std::string_view text);

// `text` as a JSON string, quotes included. Expects scrubbed text.
[[nodiscard]] std::string json_quote(std::string_view text);

} // namespace jobrunner
