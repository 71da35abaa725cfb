#include "config/config_fixture.hpp"

#include "config/secret_value.hpp"

#include <doctest/doctest.h>

using namespace jobrunner;
using namespace jobrunner::tests;

namespace {

std::string kind(const std::string& keys)
{
    return "[kinds.\"hook\"]\nhttp = { " + keys + " }\n";
}

HttpConfig http_of(const Config& config)
{
    return std::get<HttpConfig>(config.kinds.at(0).runs);
}

} // namespace

TEST_CASE_FIXTURE(ConfigFixture, "http: the shortest kind has safe defaults")
{
    const auto http = http_of(load(kind(R"(url = "https://Hooks.example.com/{args.path}")")));

    CHECK(http.method == "POST");
    CHECK(http.url->literal_host() == "hooks.example.com");
    CHECK_FALSE(http.addresses.allow_private);
    CHECK(http.response_max == 1024 * 1024);
    CHECK(http.proxy.empty());
    CHECK(http.secret.empty());
}

TEST_CASE_FIXTURE(ConfigFixture, "http: every key is read")
{
    const auto http = http_of(load("[secrets]\nsigning = { env = \"X\" }\n" +
        kind(
            R"(url = "https://{args.host}:8443/x?q={args.q}", method = "PUT", secret = "{secret:signing}", headers = { X-Shop = "{job.id}" }, allow_hosts = ["*.Example.com"], allow_networks = ["10.1.0.0/16"], connections_max = 3, connect_timeout = "2s", response_max = "2KiB", retry_after_max = "5m", ca_file = "ca.pem", proxy = "http://proxy.example.com:3128")")));

    CHECK(http.method == "PUT");
    CHECK(http.secret == "signing");
    CHECK(http.headers.at("X-Shop").text() == "{job.id}");
    CHECK(http.allow_hosts == std::vector<std::string>{"*.example.com"});
    CHECK(http.addresses.allow_networks.size() == 1);
    CHECK(http.connections_max == 3);
    CHECK(http.connect_timeout == Milliseconds{2000});
    CHECK(http.response_max == 2048);
    CHECK(http.retry_after_max == Milliseconds{300'000});
    CHECK(http.ca_file == (directory / "ca.pem").string());
    CHECK(http.proxy == "http://proxy.example.com:3128");
}

TEST_CASE_FIXTURE(ConfigFixture, "http: what a job must not choose is refused")
{
    struct Case {
        const char* keys;
        const char* said;
    };
    for (const auto& [keys, said] : {Case{R"(url = "{args.url}")", "does not begin with https://"},
             Case{R"(url = "https://{args.host}/")", "takes its host from the job; allow_hosts"},
             Case{R"(url = "https://h.example:{args.port}/")", "has no port from 1 to 65535"},
             Case{R"(url = "https://{args.user}@h.example/")", "names a user"},
             Case{R"(url = "https://h.example/#x")", "holds a #"},
             Case{R"(url = "ftp://h.example/")", "does not begin with https://"},
             Case{R"(url = "https://h.example/../x")", "segment . or .."},
             Case{R"(url = "http://127.0.0.1:80/")", "asks 127.0.0.1, a loopback address; allow_private"},
             Case{R"(url = "http://localhost/")", "a loopback address; allow_private"},
             Case{R"(url = "http://169.254.169.254/", allow_private = true)", "metadata"},
             Case{R"(url = "https://h.example/", headers = { Host = "x" })", "is set by jobrunner itself"},
             Case{R"(url = "https://h.example/", headers = { X-A = "a\r\nX-B: b" })", "control character"},
             Case{R"(url = "https://h.example/", headers = { X-A = "{secret:none}" })", "the secret none"},
             Case{R"(url = "https://h.example/", allow_hosts = ["a.example"])", "does not hold h.example"},
             Case{R"(url = "https://h.example/", allow_hosts = ["*.*"])", "is \"*.*\""},
             Case{R"(url = "https://h.example/", allow_networks = ["10.1.2.3/8"])", "a network such as"},
             Case{R"(method = "POST")", "has no url"},
             Case{R"(url = "https://h.example/", urk = 1)", "urk"}}) {
        CAPTURE(keys);
        CHECK(refusal(kind(keys)).find(said) != std::string::npos);
    }
}

TEST_CASE_FIXTURE(ConfigFixture, "http: a literal secret is refused and not shown")
{
    const auto message = refusal(kind(R"(url = "https://h.example/", secret = "hunter2")"));

    CHECK(message.find("is no reference to a secret") != std::string::npos);
    CHECK(message.find("hunter2") == std::string::npos);
}

TEST_CASE_FIXTURE(
    ConfigFixture, "secrets: a value comes from its file or variable each time, without its line end")
{
    write("first\n", "token");
    ::setenv("JR_TEST_SECRET", "from the environment", 1);
    const auto config = load("[secrets]\na = { file = \"token\" }\nb = { env = \"JR_TEST_SECRET\" }\n"
                             "c = { env = \"JR_TEST_NO_SUCH\" }\n");

    CHECK(secret_value(config, "a") == "first");
    CHECK(secret_value(config, "b") == "from the environment");
    CHECK_THROWS_WITH_AS(static_cast<void>(secret_value(config, "c")),
        "the secret c is empty or missing in $JR_TEST_NO_SUCH", Error);
    write("second", "token");
    CHECK(secret_value(config, "a") == "second");
}

TEST_CASE_FIXTURE(ConfigFixture, "secrets: a command gets them in its environment, never in its arguments")
{
    const std::string secrets = "[secrets]\na = { env = \"X\" }\n[kinds.k]\n";
    const auto config =
        load(secrets + "command = [\"true\"]\nenvironment = { A = \"{secret:a}\", B = \"{b}\" }\n");
    const auto& command = std::get<CommandConfig>(config.kinds.at(0).runs);

    CHECK(command.secret_environment.at("A") == "a");
    CHECK(command.environment.at("B") == "{b}");
    CHECK(refusal(secrets + "command = [\"true\", \"{secret:a}\"]\n").find("list of processes") !=
        std::string::npos);
    CHECK(refusal("[kinds.k]\ncommand = [\"true\"]\nenvironment = { A = \"{secret:a}\" }\n")
              .find("the secret a; one that [secrets] declares") != std::string::npos);
    CHECK(refusal("[secrets]\na = { }\n").find("has none or both of file and env") != std::string::npos);
}
