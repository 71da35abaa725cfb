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

// Whether the text is one JSON value and nothing else.
[[nodiscard]] bool is_json(std::string_view text);

// The longest end of `text` of at most `bytes_max` bytes that begins with a whole character.
[[nodiscard]] std::string_view tail_of(std::string_view text, std::size_t bytes_max);

// `text` as a JSON string, quotes included. Expects scrubbed text.
[[nodiscard]] std::string json_quote(std::string_view text);

} // namespace jobrunner
