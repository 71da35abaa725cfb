#include "core/args_template.hpp"

#include "core/error.hpp"

#include <doctest/doctest.h>

using namespace jobrunner;

namespace {

const TemplateJob job{.id = 9'007'199'254'740'993, .kind = "file.digest", .queue = "bulk", .attempt = 3};

std::string filled(const std::string& text, const std::string& args = "{}")
{
    return ArgsTemplate::parse(text).fill(ArgsView(args), job);
}

template <typename Action>
std::string refusal(ErrorKind kind, Action action)
{
    try {
        action();
    } catch (const Error& error) {
        return error.kind() == kind ? error.what() : "another kind of error";
    }
    return "";
}

std::string fill_refusal(const std::string& text, const std::string& args)
{
    return refusal(ErrorKind::refused, [&] { (void)filled(text, args); });
}

std::string parse_refusal(const std::string& text)
{
    return refusal(ErrorKind::usage, [&] { (void)ArgsTemplate::parse(text); });
}

} // namespace

TEST_CASE("template: literal text stays as it is")
{
    CHECK(filled("") == "");
    CHECK(filled("--all") == "--all");
    CHECK(filled("{{print $1}}") == "{print $1}");
    CHECK(filled("{{{args.a}}}", R"({"a":"x"})") == "{x}");
    CHECK(filled("}}{{") == "}{");
    CHECK(ArgsTemplate::literal("{a}").fill(ArgsView("{}"), job) == "{a}");
}

TEST_CASE("template: it knows its text and whether it has placeholders")
{
    CHECK(ArgsTemplate::parse("a{{b").text() == "a{{b");
    CHECK(ArgsTemplate::parse("a{{b").is_literal());
    CHECK(ArgsTemplate::parse("").is_literal());
    CHECK_FALSE(ArgsTemplate::parse("a{job.id}").is_literal());
    CHECK(ArgsTemplate::literal("{a}").is_literal());
}

TEST_CASE("template: values of the arguments fill whole arguments and parts of them")
{
    const std::string args =
        R"({"path": "/a b", "file": {"name": "x", "deep": {"er": 1}}, "yes": true, "no": false})";

    CHECK(filled("{args.path}", args) == "/a b");
    CHECK(filled("--path={args.path}!", args) == "--path=/a b!");
    CHECK(filled("{args.file.name}{args.file.deep.er}", args) == "x1");
    CHECK(filled("{args.yes} {args.no}", args) == "true false");
}

TEST_CASE("template: the job fills its own places")
{
    CHECK(filled("{job.id}/{job.kind}/{job.queue}/{job.attempt}") == "9007199254740993/file.digest/bulk/3");
}

TEST_CASE("template: a secret is asked for by name, and every value can be shaped")
{
    const auto parsed = ArgsTemplate::parse("Bearer {secret:api} {args.a}");
    const TemplateValues values{.secret = [](const std::string& name) { return "<" + name + ">"; },
        .shape = [](const std::string& place, const std::string& value) { return place + "=" + value; }};

    CHECK(parsed.secrets() == std::vector<std::string>{"api"});
    CHECK(parsed.fill(ArgsView(R"({"a": 1})"), job, values) == "Bearer secret:api=<api> args.a=1");
    CHECK(fill_refusal("{secret:api}", "{}") == "the secret api has no place here");
}

TEST_CASE("template: a value is never read again")
{
    CHECK(filled("{args.a}", R"({"a": "{args.b} $(id) {{", "b": "x"})") == "{args.b} $(id) {{");
    CHECK(filled("{args.a}", R"({"a": "x' y\" \n z"})") == "x' y\" \n z");
}

TEST_CASE("template: numbers come out as they are written")
{
    for (const std::string number : {"0", "-1", "9007199254740993", "18446744073709551615",
             "-9223372036854775808", "123456789012345678901234567890", "0.10", "1.0", "1e3", "-2.50E-7",
             "3.141592653589793238462643383279"}) {
        CAPTURE(number);
        CHECK(filled("{args.n}", "{\"n\": " + number + "}") == number);
    }
}

TEST_CASE("template: escapes and UTF-8 are decoded")
{
    CHECK(filled("{args.a}", R"({"a": "\u00e4 \ud83d\ude00 \\ \/"})") == "\xc3\xa4 \xf0\x9f\x98\x80 \\ /");
    CHECK(filled("{args.\xc3\xa4}", R"({"\u00e4": 1})") == "1");
}

TEST_CASE("template: names are whole member names")
{
    CHECK(filled("{args.a b-c}", R"({"a b-c": 1})") == "1");
    CHECK(fill_refusal("{args.a.b}", R"({"a.b": 1})") == "args.a.b is missing");
    CHECK(fill_refusal("{args.A}", R"({"a": 1})") == "args.A is missing");
}

TEST_CASE("template: of members with one name the last counts")
{
    CHECK(filled("{args.a}", R"({"a": 1, "a": 2})") == "2");
    CHECK(fill_refusal("{args.a.b}", R"({"a": {"b": 1}, "a": {}})") == "args.a.b is missing");
}

TEST_CASE("template: a value that is no scalar names the placeholder")
{
    CHECK(fill_refusal("{args.path}", "{}") == "args.path is missing");
    CHECK(fill_refusal("{args.path}", R"({"path": null})") ==
        "args.path is null; a string, number or boolean was expected");
    CHECK(fill_refusal("{args.path}", R"({"path": {}})") ==
        "args.path is an object; a string, number or boolean was expected");
    CHECK(fill_refusal("{args.path}", R"({"path": ["a"]})") ==
        "args.path is an array; a string, number or boolean was expected");
    CHECK(fill_refusal("{args.a.b.c}", R"({"a": {"b": "x"}})") ==
        "args.a.b is a string; an object was expected");
    CHECK(fill_refusal("{args.a.b}", R"({"a": [{"b": 1}]})") == "args.a is an array; an object was expected");
    CHECK(fill_refusal("{args.a.b}", "{}") == "args.a.b is missing");
}

TEST_CASE("template: a value with a NUL character is refused")
{
    CHECK(fill_refusal("{args.a}", R"({"a": "x\u0000y"})") ==
        "args.a holds a NUL character; text without one was expected");
    CHECK(filled("{args.b}", R"({"a": "x\u0000y", "b": 1})") == "1");
}

TEST_CASE("template: a brace without its partner is refused with its position")
{
    CHECK(parse_refusal("ab{args.x") ==
        "\"ab{args.x\" has at position 3 a { that is not closed (write {{ for a brace)");
    CHECK(parse_refusal("{a{job.id}") ==
        "\"{a{job.id}\" has at position 1 a { that is not closed (write {{ for a brace)");
    CHECK(parse_refusal("x}") == "\"x}\" has at position 2 a } that closes nothing (write }} for a brace)");
    CHECK(parse_refusal("{") == "\"{\" has at position 1 a { that is not closed (write {{ for a brace)");
}

TEST_CASE("template: an unknown placeholder is refused with those that are known")
{
    CHECK(parse_refusal("a {job.secret}") ==
        "\"a {job.secret}\" has at position 3 the unknown placeholder {job.secret}; known are {args.NAME}, "
        "{job.id}, "
        "{job.kind}, {job.queue}, {job.attempt} and {secret:NAME}; write {{ for a brace");
    for (const auto* text :
        {"{}", "{args}", "{args.}", "{args..a}", "{args.a.}", "{arg.a}", "{ args.a }", "{JOB.id}"}) {
        CAPTURE(text);
        CHECK(parse_refusal(text).find("the unknown placeholder") != std::string::npos);
    }
}

TEST_CASE("args: anything but one JSON object is refused without quoting it")
{
    for (const auto* text :
        {"", "null", "1", "\"secret\"", "[]", "[{\"a\":1}]", "{", "{\"a\":}", "{} {}", "{\"a\":\"\xff\"}"}) {
        CAPTURE(text);
        CHECK(refusal(ErrorKind::refused, [&] { (void)ArgsView(text); }) == "args are not a JSON object");
    }
    CHECK(refusal(ErrorKind::refused, [] { (void)ArgsView("{\"a\": 1e999}"); }) ==
        "args hold a number that is too large; at most 1.7e308 was expected");
}

TEST_CASE("args: values are found by path, with their type")
{
    const ArgsView args(R"({"a": {"b": [1, {"c": 2}], "d": null}, "e": ""})");

    REQUIRE(args.find({"a"}) != nullptr);
    CHECK(args.find({"a"})->type == ArgsView::Type::object);
    CHECK(args.find({"a", "b"})->type == ArgsView::Type::array);
    CHECK(args.find({"a", "d"})->type == ArgsView::Type::null);
    CHECK(args.find({"e"})->type == ArgsView::Type::string);
    CHECK(args.find({"a", "b", "c"}) == nullptr);
    CHECK(args.find({"c"}) == nullptr);
    CHECK(args.find({"e", "x"}) == nullptr);
    CHECK(args.find({}) == nullptr);
}

TEST_CASE("args: a mebibyte that nests deeply or widely is read in its stride")
{
    constexpr std::size_t levels = 150'000;
    std::string deep;
    for (std::size_t i = 0; i < levels; ++i) {
        deep += "{\"a\":";
    }
    deep += "1" + std::string(levels, '}');
    std::string wide = "{\"" + std::string(500'000, 'k') + "\":{";
    for (int i = 0; i < 50'000; ++i) {
        wide += "\"" + std::to_string(i) + "\":1,";
    }
    wide += "\"last\":2}}";

    CHECK(ArgsView(deep).find({"a", "a", "a"})->type == ArgsView::Type::object);
    CHECK(ArgsView(wide).find({std::string(500'000, 'k'), "last"})->text == "2");
}
