#include "config/config_fixture.hpp"
#include "config/listen_address.hpp"

#include <doctest/doctest.h>

using namespace jobrunner;
using namespace jobrunner::tests;

namespace {

const std::string hash(64, 'a');

} // namespace

TEST_CASE_FIXTURE(ConfigFixture, "web: every key")
{
    const auto web = load(R"(
[web]
listen = "0.0.0.0:9000"
host_names = ["Jobs.Example.com"]
tokens = [{ name = "ada", sha256 = ")" +
        hash + R"(", scope = "admin" }, { sha256 = ")" + hash + R"(", scope = "read" }]
proxy_header = "X-Forwarded-User"
proxies = ["10.0.0.7", "fd00::/8"]
proxy_scope = "operate"
local_scope = "read"
redact = ["*PIN*"]
read_database = "postgresql://replica/shop"
)")
                         .web;

    CHECK(web.listen == "0.0.0.0:9000");
    CHECK(web.host_names == std::vector<std::string>{"jobs.example.com"});
    REQUIRE(web.tokens.size() == 2);
    CHECK(web.tokens[0].name == "ada");
    CHECK(web.tokens[0].sha256 == hash);
    CHECK(web.tokens[0].scope == WebScope::admin);
    CHECK(web.tokens[1].name == "token 2");
    CHECK(web.tokens[1].scope == WebScope::read);
    CHECK(web.proxy_header == "X-Forwarded-User");
    REQUIRE(web.proxies.size() == 2);
    CHECK(web.proxies[1].bits == 8);
    CHECK(web.proxy_scope == WebScope::operate);
    CHECK(web.local_scope == WebScope::read);
    CHECK(web.redact == std::vector<std::string>{"*pin*"});
    CHECK(web.read_database == "postgresql://replica/shop");
}

TEST_CASE_FIXTURE(ConfigFixture, "web: without the table it is for the host alone, and secrets are not shown")
{
    const auto web = load("").web;

    CHECK(web.listen == "127.0.0.1:8642");
    CHECK(web.tokens.empty());
    CHECK(web.local_scope == WebScope::operate);
    CHECK_FALSE(web.redact.empty());
}

TEST_CASE_FIXTURE(ConfigFixture, "web: an address that others reach demands that they say who they are")
{
    CHECK(
        refusal("[web]\nlisten = \"0.0.0.0:80\"\n").find("jobrunner.toml:2: web.listen: is an address") == 0);
    CHECK(refusal("[web]\nlisten = \"[::]:80\"\n").find("web.listen: is an address") != std::string::npos);
    CHECK(refusal("[web]\nlisten = \"[::1]:80\"\n").empty());
    CHECK(refusal("[web]\nlisten = \"127.3.2.1:80\"\n").empty());
    CHECK(refusal("[web]\nlisten = \"0.0.0.0:80\"\nproxy_header = \"X-User\"\nproxies = [\"10.0.0.1\"]\n")
              .empty());
}

TEST_CASE_FIXTURE(ConfigFixture, "worker: it shows its metrics nowhere, or as the web page is shown")
{
    CHECK(load("[worker]\nslots = 1\n").worker.metrics.empty());
    CHECK(load("[worker]\nmetrics = \"127.0.0.1:9100\"\n").worker.metrics == "127.0.0.1:9100");
    CHECK(refusal("[worker]\nmetrics = \"0.0.0.0:9100\"\n").find(":2: worker.metrics: is an address") !=
        std::string::npos);
    CHECK(refusal("[worker]\nmetrics = 9100\n").find(":2: worker.metrics: ") != std::string::npos);
    CHECK(refusal("[worker]\nmetrics = \"9100\"\n").find("and a port such as") != std::string::npos);
    CHECK(refusal("[worker]\nmetrics = \"0.0.0.0:9100\"\n[web]\ntokens = [{ sha256 = \"" + hash +
        "\", scope = \"read\" }]\n")
              .empty());
}

TEST_CASE_FIXTURE(ConfigFixture, "web: mistakes name line and key, and never show what may be a token")
{
    const auto token = [&](const std::string& rest) {
        return refusal("[web]\ntokens = [{ " + rest + " }]\n");
    };

    CHECK(token("scope = \"read\"").find(":2: web.tokens[0]: has no sha256") != std::string::npos);
    CHECK(token("sha256 = \"" + hash + "\"").find(":2: web.tokens[0]: has no scope") != std::string::npos);
    const auto bare = token("scope = \"read\", sha256 = \"s3cr3t\"");
    CHECK(bare.find("web.tokens[0].sha256: is no hash") != std::string::npos);
    CHECK(bare.find("s3cr3t") == std::string::npos);
    CHECK(refusal("[web]\ntokens = \"s3cr3t\"\n").find("s3cr3t") == std::string::npos);
    CHECK(refusal("[web]\ntokens = [\"s3cr3t\"]\n").find("web.tokens[0]: is a string; a table") !=
        std::string::npos);
    CHECK(refusal("[web]\nlisten = \"example.com:80\"\n").find(":2: web.listen: is \"example.com:80\"") !=
        std::string::npos);
    CHECK(refusal("[web]\nproxy_header = \"X-User\"\n").find("both were expected") != std::string::npos);
    CHECK(refusal("[web]\nproxies = [\"ten\"]\n").find("web.proxies[0]: is no address") != std::string::npos);
    CHECK(refusal("[web]\nhost_names = [\"a/b\"]\n").find("web.host_names[0]: ") != std::string::npos);
    CHECK(
        refusal("[web]\nread_database = \"mysql:///x\"\n").find("web.read_database: ") != std::string::npos);
    CHECK(refusal("[web]\nlisten_on = \"x\"\n").find("did you mean listen?") != std::string::npos);
}

TEST_CASE("listen address: host and port, and whether other hosts reach it")
{
    CHECK(parse_listen_address("localhost:0").host == "127.0.0.1");
    CHECK(parse_listen_address("[::1]:8642").host == "::1");
    CHECK(parse_listen_address("[::1]:8642").loopback);
    CHECK_FALSE(parse_listen_address("192.168.1.5:65535").loopback);
    for (const auto* bad : {"", ":80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1",
             "127.0.0.1:8x", "::1:80", "[127.0.0.1]:80", "jobs:80"}) {
        CHECK_THROWS_AS((void)parse_listen_address(bad), Error);
    }
}
