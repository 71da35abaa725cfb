#pragma once

#include <string>
#include <string_view>

namespace jobrunner {

// HMAC-SHA256 of "TIMESTAMP.BODY" with the secret's bytes as its key, in lower-case hexadecimal.
[[nodiscard]] std::string http_signature(
    std::string_view secret, std::string_view timestamp, std::string_view body);

} // namespace jobrunner
