#include "web/access.hpp"
#include "web/access_token.hpp"
#include "web_fixture.hpp"

using namespace jobrunner;
using namespace jobrunner::tests;

namespace {

WebConfig with_tokens()
{
    WebConfig config;
    config.tokens = {{"ada", access_token_hash("read-it"), WebScope::read},
        {"bob", access_token_hash("do-it"), WebScope::operate},
        {"eve", access_token_hash("all-of-it"), WebScope::admin}};
    return config;
}

// What Access says of a request with these headers instead of the usual ones.
int refused(const Access& access, WebRequest request, const std::string& name, const std::string& value)
{
    request.headers.erase(name);
    request.headers.emplace(name, value);
    const auto answer = access.refusal(request);
    return answer ? answer->status : 0;
}

} // namespace

TEST_CASE("access: a token is known by its hash, an empty or foreign one never")
{
    const auto config = with_tokens();

    CHECK(find_access_token(config.tokens, "do-it")->name == "bob");
    CHECK(find_access_token(config.tokens, "do-i") == nullptr);
    CHECK(find_access_token(config.tokens, "") == nullptr);
    CHECK(find_access_token(config.tokens, config.tokens[0].sha256) == nullptr);
    const WebToken blank{"blank", access_token_hash(""), WebScope::admin};
    CHECK(find_access_token({&blank, 1}, "") == nullptr);
    CHECK(access_token_hash("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(new_access_token() != new_access_token());
    CHECK(new_access_token().size() == 67);
}

TEST_CASE_FIXTURE(WebFixture, "access: only names of its own are answered")
{
    config.host_names = {"jobs.example.com"};
    const Access access(config);
    const auto get = request("GET", "/api/v1/jobs");

    for (const auto* good : {"localhost", "LOCALHOST:8642", "127.0.0.1:1", "[::1]:8642", "192.168.1.7",
             "jobs.example.com", "Jobs.Example.Com:443"}) {
        CHECK_MESSAGE(refused(access, get, "host", good) == 0, good);
    }
    for (const auto* bad : {"", "evil.example", "localhost.evil.example", "jobs.example.com.evil.example",
             "127.0.0.1.evil.example:8642", "[::1", "evil.example:127.0.0.1"}) {
        CHECK_MESSAGE(refused(access, get, "host", bad) == 421, bad);
    }
    auto twice = get;
    twice.headers.emplace("host", "localhost");
    CHECK(access.refusal(twice)->status == 400);
    auto none = get;
    none.headers.clear();
    CHECK(access.refusal(none)->status == 421);
}

TEST_CASE_FIXTURE(WebFixture, "access: what changes something comes from this page, or from none")
{
    config.host_names = {"jobs.example.com"};
    const Access access(config);
    const auto post = request("POST", "/api/v1/queues/pause", "{}");

    CHECK_FALSE(access.refusal(post).has_value());
    CHECK(refused(access, post, "origin", "http://127.0.0.1:8642") == 0);
    CHECK(refused(access, post, "origin", "https://jobs.example.com") == 0);
    for (const auto* bad : {"null", "", "http://evil.example", "http://127.0.0.1:9999", "http://127.0.0.1",
             "http://127.0.0.1:8642.evil.example", "file://"}) {
        CHECK_MESSAGE(refused(access, post, "origin", bad) == 403, bad);
    }
    CHECK(refused(access, post, "sec-fetch-site", "cross-site") == 403);
    CHECK(refused(access, post, "sec-fetch-site", "same-site") == 403);
    CHECK(refused(access, post, "sec-fetch-site", "same-origin") == 0);
    CHECK(refused(access, post, "content-type", "application/json; charset=utf-8") == 0);
    for (const auto* bad : {"", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data",
             "text/plain; application/json", "application/jsonp"}) {
        CHECK_MESSAGE(refused(access, post, "content-type", bad) == 415, bad);
    }
}

TEST_CASE_FIXTURE(WebFixture, "access: another site's page may lead here, but neither read nor hold a stream")
{
    const Access access(config);
    auto get = request("GET", "/api/v1/events");

    CHECK(refused(access, get, "sec-fetch-site", "cross-site") == 403);
    get.headers.emplace("sec-fetch-mode", "navigate");
    CHECK(refused(access, get, "sec-fetch-site", "cross-site") == 0);
}

TEST_CASE_FIXTURE(WebFixture, "access: without tokens this host's visitors have one scope")
{
    config.local_scope = WebScope::read;

    CHECK(get("/api/v1/jobs").status == 200);
    CHECK(post("/api/v1/queues/pause", R"({"queue": "a"})").status == 403);
    config.local_scope = WebScope::operate;
    CHECK(post("/api/v1/queues/pause", R"({"queue": "a"})").status == 200);
    CHECK(storage->queue_calls == std::vector<std::string>{"pause a by web"});
}

TEST_CASE("access: every route wants its scope, and a token that is known")
{
    WebFixture web(with_tokens());
    const std::pair<const char*, WebScope> tokens[] = {
        {"read-it", WebScope::read}, {"do-it", WebScope::operate}, {"all-of-it", WebScope::admin}};
    for (const auto& route : WebApp::routes()) {
        if (!route.scope || route.path == "/api/v1/events") {
            continue;
        }
        std::string path(route.path);
        if (const auto at = path.find("{id}"); at != std::string::npos) {
            path.replace(at, 4, "7");
        }
        auto bare = web.request(std::string(route.method), path, "{}");
        CHECK_MESSAGE(web.ask(bare).status == 401, path);
        bare.headers.emplace("authorization", "Bearer wrong");
        CHECK_MESSAGE(web.ask(bare).status == 401, path);
        for (const auto& [token, scope] : tokens) {
            auto asked = web.request(std::string(route.method), path, "{}");
            asked.headers.emplace("authorization", std::string("Bearer ") + token);
            const auto answer = web.ask(asked);
            CHECK_MESSAGE((answer.status == 403) == (scope < *route.scope), path, " with ", token);
            CHECK_MESSAGE((answer.status != 401 && answer.status < 500), path, " with ", token);
        }
    }
}

TEST_CASE("access: a cookie lets in, and changes something only from this page")
{
    WebFixture web(with_tokens());
    const auto answer = web.post("/api/v1/login", R"({"token": "do-it"})");

    REQUIRE(answer.status == 200);
    REQUIRE(answer.headers.at(0).first == "Set-Cookie");
    const auto& cookie = answer.headers.at(0).second;
    CHECK(cookie.find("HttpOnly") != std::string::npos);
    CHECK(cookie.find("SameSite=Strict") != std::string::npos);
    CHECK(cookie.find("Secure") == std::string::npos);
    CHECK(web.post("/api/v1/login", R"({"token": "guess"})").status == 401);
    CHECK(web.post("/api/v1/login", R"({"token": ""})").status == 400);

    auto get = web.request("GET", "/api/v1/jobs");
    get.headers.emplace("cookie", "a=b; " + cookie.substr(0, cookie.find(';')) + "; c=d");
    CHECK(web.ask(get).status == 200);
    auto post = web.request("POST", "/api/v1/queues/pause", R"({"queue": "a"})");
    post.headers.emplace("cookie", cookie.substr(0, cookie.find(';')));
    CHECK(web.ask(post).status == 401);
    post.headers.emplace("origin", "http://127.0.0.1:8642");
    CHECK(web.ask(post).status == 200);
    CHECK(web.storage->queue_calls == std::vector<std::string>{"pause a by web:bob"});
}

TEST_CASE_FIXTURE(WebFixture, "access: a proxy's header counts from the proxy alone")
{
    config.proxy_header = "X-Forwarded-User";
    config.proxies = {*IpNetwork::parse("10.0.0.0/24")};
    config.proxy_scope = WebScope::operate;
    auto asked = request("POST", "/api/v1/queues/pause", R"({"queue": "a"})");
    asked.headers.emplace("x-forwarded-user", "ada");

    CHECK(ask(asked).status == 401);
    asked.peer = "10.0.0.9";
    CHECK(ask(asked).status == 200);
    CHECK(storage->queue_calls.back() == "pause a by web:ada");
    asked.headers.emplace("x-forwarded-user", "root");
    CHECK(ask(asked).status == 401);
    asked.headers.erase("x-forwarded-user");
    CHECK(ask(asked).status == 401);
    asked.headers.emplace("x-forwarded-user", "a\nb");
    CHECK(ask(asked).status == 401);
}
