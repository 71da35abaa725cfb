#include "core/token.hpp"

#include <doctest/doctest.h>

using namespace jobrunner;

TEST_CASE("token: its text names it")
{
    const ClaimToken token{
        .job = 9'223'372'036'854'775'807, .fence = 2'147'483'647, .worker = 9'007'199'254'740'993};

    CHECK(to_text(token) == "9223372036854775807.2147483647.9007199254740993");
    CHECK(parse_token(to_text(token)) == token);
}

TEST_CASE("token: other text names none")
{
    for (const auto* text : {"", "1", "1.2", "1.2.", "1.2.3.4", "1.2.3 ", " 1.2.3", "1.2.x", "a.2.3", "0.1.1",
             "1.0.1", "1.1.0", "-1.1.1", "1.-1.1", "1.1.-1", "+1.1.1", "1..1", "9223372036854775808.1.1",
             "1.2147483648.1", "1.1.9223372036854775808"}) {
        CAPTURE(text);
        CHECK(parse_token(text) == std::nullopt);
    }
}

TEST_CASE("token: each of its three parts distinguishes it")
{
    const ClaimToken token{.job = 1, .fence = 2, .worker = 3};

    CHECK(token != ClaimToken{.job = 9, .fence = 2, .worker = 3});
    CHECK(token != ClaimToken{.job = 1, .fence = 9, .worker = 3});
    CHECK(token != ClaimToken{.job = 1, .fence = 2, .worker = 9});
}
