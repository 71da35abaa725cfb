#pragma once

#include "config/config.hpp"

#include <span>
#include <string>
#include <string_view>

namespace jobrunner {

// Tokens that let somebody in: 256 random bits as text. Only their hashes are kept.

[[nodiscard]] std::string new_access_token();
// SHA-256 as 64 hexadecimal digits.
[[nodiscard]] std::string access_token_hash(std::string_view token);

// The one that `token` is, or null; in a time that says nothing of the others. An empty token is none.
[[nodiscard]] const WebToken* find_access_token(std::span<const WebToken> tokens, std::string_view token);

} // namespace jobrunner
