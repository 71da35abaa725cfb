#include "core/url_template.hpp"

#include "core/error.hpp"

#include <doctest/doctest.h>

using namespace jobrunner;

namespace {

const TemplateJob job{.id = 7, .kind = "k", .queue = "q", .attempt = 1};

std::string filled(const std::string& url, const std::string& args)
{
    return UrlTemplate::parse(url).fill(ArgsView(args), job).url;
}

std::string refused(const std::string& url, const std::string& args)
{
    try {
        return "filled: " + filled(url, args);
    } catch (const Error& error) {
        return error.kind() == ErrorKind::refused ? error.what() : "another kind of error";
    }
}

} // namespace

TEST_CASE("url: values are escaped and cannot leave their place")
{
    CHECK(filled("https://h.example/{args.a}", R"({"a": "x/../y?z#@\\ \r\n%"})") ==
        "https://h.example/x%2F..%2Fy%3Fz%23%40%5C%20%0D%0A%25");
    CHECK(filled("https://h.example/a?b={args.a}&c={job.id}", R"({"a": "1&2=ä"})") ==
        "https://h.example/a?b=1%262%3D%C3%A4&c=7");
    CHECK(filled("https://h.example", "{}") == "https://h.example/");
    CHECK(filled("https://h.example?x={args.a}", R"({"a": ""})") == "https://h.example/?x=");
}

TEST_CASE("url: a value neither vanishes from the path nor climbs up in it")
{
    CHECK(refused("https://h.example/u/{args.a}", R"({"a": ""})").find("args.a is empty") == 0);
    CHECK(refused("https://h.example/u/{args.a}/x", R"({"a": ".."})").find("a value makes a segment") == 0);
    CHECK(
        refused("https://h.example/{args.a}{args.a}", R"({"a": "."})").find("a value makes a segment") == 0);
    CHECK(filled("https://h.example/{args.a}", R"({"a": "..."})") == "https://h.example/...");
}

TEST_CASE("url: a host takes names only")
{
    const std::string url = "https://{args.h}.example.com:8443/x";

    CHECK(filled(url, R"({"h": "Shop-1"})") == "https://shop-1.example.com:8443/x");
    for (const std::string bad : {"a/b", "a@b", "a:1", "a#", "a?", "a%2e", "[::1]", " a", ""}) {
        CAPTURE(bad);
        CHECK(refused(url, "{\"h\": \"" + bad + "\"}").find("args.h does not fit into a host") == 0);
    }
    CHECK(refused(url, R"({"h": "a."})").find("no valid name") != std::string::npos);
    CHECK(refused(url, R"({"h": "-a"})").find("no valid name") != std::string::npos);
}

TEST_CASE("url: allowed hosts are names, all below a name, or all")
{
    CHECK(host_matches({"a.example"}, "a.example"));
    CHECK_FALSE(host_matches({"a.example"}, "b.a.example"));
    CHECK(host_matches({"*.example"}, "b.a.example"));
    CHECK_FALSE(host_matches({"*.example"}, "example"));
    CHECK_FALSE(host_matches({"*.example"}, ".example"));
    CHECK_FALSE(host_matches({"*.example"}, "notexample"));
    CHECK(host_matches({"*"}, "anything"));
    CHECK_FALSE(host_matches({}, "anything"));
}
