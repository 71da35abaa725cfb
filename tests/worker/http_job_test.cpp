#include "worker/http_job.hpp"

#include "core/error.hpp"
#include "worker/http_report.hpp"
#include "worker/http_signature.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace jobrunner;

namespace {

constexpr std::time_t noon = 1'700'000'000;

ClaimedJob job_with(const std::string& args)
{
    ClaimedJob job;
    job.token = {42, 3, 99};
    job.kind = "webhook";
    job.queue = "default";
    job.args = args;
    job.attempt = 2;
    job.attempt_limit = 5;
    return job;
}

HttpConfig hook(const std::string& url)
{
    HttpConfig http;
    http.url = UrlTemplate::parse(url);
    return http;
}

HttpJob made(const ClaimedJob& job, const HttpConfig& http)
{
    return http_job(
        job, http, {}, [](const std::string& name) { return "value of " + name; }, noon);
}

bool has(const HttpJob& job, const std::string& line)
{
    return std::ranges::find(job.request.headers, line) != job.request.headers.end();
}

HttpEnded answer(int status, const std::string& body = "", const std::string& type = "application/json")
{
    HttpEnded ended;
    ended.end = HttpEnd::answered;
    ended.status = status;
    ended.body = body;
    ended.content_type = type;
    return ended;
}

RunReport report(HttpEnded ended)
{
    const HttpContext context{.method = "POST",
        .host = "h.example",
        .timeout = Milliseconds{1000},
        .retry_after_max = Milliseconds{3'600'000},
        .cause = {},
        .secrets = {{"api", "hunter2"}}};
    return http_report(std::move(ended), context, noon);
}

} // namespace

TEST_CASE("http job: the request says what job it is, and its body is the args")
{
    ClaimedJob job = job_with(R"({"path": "a/b"})");
    job.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const auto request = made(job, hook("https://h.example/{args.path}"));

    CHECK(request.request.url == "https://h.example/a%2Fb");
    CHECK(request.request.body == job.args);
    for (const auto* line : {"Idempotency-Key: 42", "Jobrunner-Job-Id: 42", "Jobrunner-Kind: webhook",
             "Jobrunner-Attempt: 2", "Jobrunner-Token: 42.3.99", "Content-Type: application/json",
             "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}) {
        CAPTURE(line);
        CHECK(has(request, line));
    }
}

TEST_CASE("http job: no value of a row adds a header")
{
    HttpConfig http = hook("https://h.example/");
    http.headers.emplace("X-Name", ArgsTemplate::parse("{args.name}"));
    ClaimedJob job = job_with(R"({"name": "x"})");
    job.traceparent = "00-x\r\nX-Evil: 1";
    job.queue = "a\r\nb";
    const auto request = made(job, http);

    CHECK(has(request, "X-Name: x"));
    CHECK(has(request, "Jobrunner-Queue: a%0D%0Ab"));
    for (const auto& line : request.request.headers) {
        CHECK(line.find_first_of("\r\n") == std::string::npos);
    }
    CHECK_THROWS_WITH_AS(static_cast<void>(made(job_with(R"({"name": "x\r\nX-Evil: 1"})"), http)),
        doctest::Contains("args.name holds a line end"), Error);
}

TEST_CASE("http job: a host of a job must be allowed")
{
    HttpConfig http = hook("https://{args.host}/");
    http.allow_hosts = {"*.example.com"};

    CHECK(made(job_with(R"({"host": "A.example.com"})"), http).request.host == "a.example.com");
    CHECK_THROWS_WITH_AS(static_cast<void>(made(job_with(R"({"host": "evil.example"})"), http)),
        doctest::Contains("evil.example is not allowed"), Error);
}

TEST_CASE("http job: the signature is HMAC-SHA256 over time and body")
{
    // As `printf '1700000000.{"a": 1}' | openssl dgst -sha256 -hmac key` has it.
    CHECK(http_signature("key", "1700000000", R"({"a": 1})") ==
        "17e36a190ee125a4782d21867ffdf5712238dc71b452ba98254537bfdb4f3a77");
    HttpConfig http = hook("https://h.example/");
    http.secret = "signing";
    const auto request = made(job_with("{}"), http);

    CHECK(has(request, "Jobrunner-Timestamp: 1700000000"));
    CHECK(has(request, "Jobrunner-Signature: v1=" + http_signature("value of signing", "1700000000", "{}")));
    CHECK(request.secrets.contains("signing"));
}

TEST_CASE("http job: GET and DELETE have no body")
{
    HttpConfig http = hook("https://h.example/");
    http.method = "GET";

    CHECK_FALSE(made(job_with("{}"), http).request.body.has_value());
}

TEST_CASE("http report: the status decides")
{
    for (const int status : {200, 201, 204, 299}) {
        CHECK(report(answer(status)).end == RunEnd::succeeded);
    }
    for (const int status : {408, 425, 429, 500, 502, 503, 504, 599}) {
        CAPTURE(status);
        CHECK(report(answer(status)).end == RunEnd::failed);
    }
    for (const int status : {300, 301, 302, 304, 400, 401, 404, 409, 410, 422, 451}) {
        CAPTURE(status);
        CHECK(report(answer(status)).end == RunEnd::failed_for_good);
    }
    CHECK(report(answer(503, "over\n\n  loaded")).error == "HTTP 503 from h.example: over loaded");
    CHECK(report(answer(503)).error_class == "HTTP503");
}

TEST_CASE("http report: the body is the result")
{
    CHECK(report(answer(200, R"({"n": 12345678901234567890123})")).result ==
        R"({"n": 12345678901234567890123})");
    CHECK(report(answer(200, "[1]", "application/problem+json; charset=utf-8")).result == "[1]");
    CHECK_FALSE(report(answer(204)).result.has_value());
    CHECK(report(answer(200, "{half", "application/json")).result ==
        R"({"content_type":"application/json","text":"{half"})");
    CHECK(report(answer(200, std::string("a\0b", 3), "text/plain")).result ==
        "{\"content_type\":\"text/plain\",\"text\":\"a\xEF\xBF\xBD"
        "b\"}");
    CHECK(report(answer(200, std::string(1000, '['), "application/json"))
              .result->starts_with("{\"content_type\""));
    CHECK(report(answer(200, std::string(100'000, 'x'), "text/plain"))
              .result->ends_with("\"truncated\":true}"));
}

TEST_CASE("http report: an answer over its maximum is no result")
{
    auto ended = answer(200, "xx");
    ended.too_large = true;

    CHECK(report(ended).end == RunEnd::failed_for_good);
    CHECK(report(ended).error_class == "ResponseTooLarge");
}

TEST_CASE("http report: a secret that the answer repeats is not kept")
{
    CHECK(report(answer(500, "token hunter2")).error == "HTTP 500 from h.example: token [secret api]");
    CHECK(report(answer(200, R"({"a": "hunter2"})")).result == R"({"a": "[secret api]"})");
    // Nor its beginning, where the text is cut in the middle of it.
    CHECK(report(answer(500, std::string(296, 'x') + "hunter2")).error.find("hunt") == std::string::npos);
}

TEST_CASE("retry-after: seconds and dates")
{
    CHECK(retry_after("120", "", noon) == Milliseconds{120'000});
    CHECK(retry_after("0", "", noon) == Milliseconds{1000});
    CHECK(retry_after("99999999999999999999", "", noon).value() > std::chrono::hours(24 * 365));
    CHECK(retry_after("Tue, 14 Nov 2023 22:14:20 GMT", "", noon) == Milliseconds{60'000});
    CHECK(retry_after("Tue, 14 Nov 2023 22:14:20 GMT", "Tue, 14 Nov 2023 22:14:10 GMT", noon) ==
        Milliseconds{10'000});
    CHECK(retry_after("Tuesday, 14-Nov-23 22:14:20 GMT", "", noon) == Milliseconds{60'000});
    CHECK(retry_after("Tue, 14 Nov 2023 20:00:00 GMT", "", noon) == Milliseconds{1000});
    for (const auto* text : {"", "soon", "-5", "1.5", "12 s"}) {
        CAPTURE(text);
        CHECK_FALSE(retry_after(text, "", noon).has_value());
    }
}

TEST_CASE("retry-after: only 429 and 503 have one, up to its maximum")
{
    auto ended = answer(503);
    ended.retry_after = "90";
    CHECK(report(ended).delay == Milliseconds{90'000});
    ended.retry_after = "999999";
    CHECK(report(ended).delay == Milliseconds{3'600'000});
    ended.status = 500;
    CHECK_FALSE(report(ended).delay.has_value());
}
