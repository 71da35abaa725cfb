#include "cli_fixture.hpp"
#include "web/access_token.hpp"

#include <doctest/doctest.h>

using namespace jobrunner;
using jobrunner::tests::CliFixture;

TEST_CASE_FIXTURE(CliFixture, "serve: where the configuration says, unless the flag does")
{
    const auto file = write("a.toml", "[web]\nlisten = \"127.0.0.1:9000\"\n");

    CHECK(run({"serve", "--config", file}) == 0);
    REQUIRE(served.has_value());
    CHECK(served->web.listen == "127.0.0.1:9000");
    CHECK(served->database.url == "postgresql:///test");
    CHECK(run({"serve", "--config", file, "--listen", "[::1]:5"}) == 0);
    CHECK(served->web.listen == "[::1]:5");
}

TEST_CASE_FIXTURE(CliFixture, "serve: an address that others reach needs tokens or a proxy")
{
    CHECK(run({"serve", "--listen", "0.0.0.0:80"}) == 2);
    CHECK(err.starts_with("jobrunner: --listen: is an address that other hosts reach"));
    CHECK(run({"serve", "--listen", "jobs:80"}) == 2);
    CHECK_FALSE(served.has_value());
    const auto file = write(
        "a.toml", "[web]\ntokens = [{ sha256 = \"" + std::string(64, 'a') + "\", scope = \"read\" }]\n");
    CHECK(run({"serve", "--config", file, "--listen", "0.0.0.0:80"}) == 0);
}

TEST_CASE_FIXTURE(CliFixture, "serve: a new token stands alone on standard output, its hash beside it")
{
    CHECK(run({"serve", "--new-token"}) == 0);
    CHECK_FALSE(served.has_value());
    REQUIRE(out.size() == 68);
    const auto token = out.substr(0, 67);
    CHECK(err.find("sha256 = \"" + access_token_hash(token) + "\"") != std::string::npos);
    CHECK(err.find(token) == std::string::npos);
}
