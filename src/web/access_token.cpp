#include "web/access_token.hpp"

#include <sodium.h>

#include <array>
#include <stdexcept>

namespace jobrunner {
namespace {

void require_sodium()
{
    if (::sodium_init() < 0) {
        throw std::runtime_error("the cryptographic library cannot be used here");
    }
}

template <std::size_t size>
std::string hex(const std::array<unsigned char, size>& bytes)
{
    std::array<char, 2 * size + 1> text{};
    ::sodium_bin2hex(text.data(), text.size(), bytes.data(), size);
    return text.data();
}

} // namespace

std::string new_access_token()
{
    require_sodium();
    std::array<unsigned char, 32> random{};
    ::randombytes_buf(random.data(), random.size());
    return "jr_" + hex(random);
}

std::string access_token_hash(std::string_view token)
{
    require_sodium();
    std::array<unsigned char, crypto_hash_sha256_BYTES> digest{};
    ::crypto_hash_sha256(digest.data(), reinterpret_cast<const unsigned char*>(token.data()), token.size());
    return hex(digest);
}

const WebToken* find_access_token(std::span<const WebToken> tokens, std::string_view token)
{
    if (token.empty()) {
        return nullptr;
    }
    const auto hash = access_token_hash(token);
    const WebToken* found = nullptr;
    for (const auto& one : tokens) {
        const bool same = one.sha256.size() == hash.size() &&
            ::sodium_memcmp(one.sha256.data(), hash.data(), hash.size()) == 0;
        found = same ? &one : found;
    }
    return found;
}

} // namespace jobrunner
