#include "core/token.hpp"

#include <charconv>

namespace jobrunner {
namespace {

template <typename Number>
bool take_number(std::string_view& rest, Number& into)
{
    const auto [end, failure] = std::from_chars(rest.data(), rest.data() + rest.size(), into);
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    return failure == std::errc{} && into > 0;
}

bool take_dot(std::string_view& rest)
{
    if (rest.empty() || rest.front() != '.') {
        return false;
    }
    rest.remove_prefix(1);
    return true;
}

} // namespace

std::string to_text(const ClaimToken& token)
{
    return std::to_string(token.job) + "." + std::to_string(token.fence) + "." + std::to_string(token.worker);
}

std::optional<ClaimToken> parse_token(std::string_view text)
{
    ClaimToken token;
    const bool whole = take_number(text, token.job) && take_dot(text) && take_number(text, token.fence) &&
        take_dot(text) && take_number(text, token.worker) && text.empty();
    return whole ? std::optional(token) : std::nullopt;
}

} // namespace jobrunner
