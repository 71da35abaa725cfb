#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace jobrunner {

struct Character {
    char32_t code;
    std::size_t length; // in bytes
};

// The character that `text`, which is not empty, begins with; nothing where its bytes are no UTF-8.
[[nodiscard]] std::optional<Character> first_character(std::string_view text);

// Whether a terminal might obey the character rather than show it, or show what follows in another order: C0 and C1
// controls, DEL, line separators, bidirectional marks and overrides, and the invisible tag characters.
[[nodiscard]] bool is_unsafe_to_show(char32_t code);

} // namespace jobrunner
