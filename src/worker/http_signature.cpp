#include "worker/http_signature.hpp"

#include <sodium.h>

#include <array>

namespace jobrunner {
namespace {

const unsigned char* as_bytes(std::string_view text)
{
    return reinterpret_cast<const unsigned char*>(text.data());
}

} // namespace

std::string http_signature(std::string_view secret, std::string_view timestamp, std::string_view body)
{
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, as_bytes(secret), secret.size());
    for (const std::string_view part : {timestamp, std::string_view("."), body}) {
        crypto_auth_hmacsha256_update(&state, as_bytes(part), part.size());
    }
    std::array<unsigned char, crypto_auth_hmacsha256_BYTES> digest{};
    crypto_auth_hmacsha256_final(&state, digest.data());
    sodium_memzero(&state, sizeof state);
    std::array<char, crypto_auth_hmacsha256_BYTES * 2 + 1> text{};
    sodium_bin2hex(text.data(), text.size(), digest.data(), digest.size());
    return text.data();
}

} // namespace jobrunner
