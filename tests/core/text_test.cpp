#include "core/text.hpp"

#include "core/json_text.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace jobrunner;
using namespace std::string_literals;

namespace {

const std::string replacement = "\xEF\xBF\xBD";

} // namespace

TEST_CASE("scrub_text: well-formed text stays as it is")
{
    for (const auto& text : {""s, "plain"s, "tab\tnewline\n"s, "\xC3\xBC"s, "\xE2\x82\xAC"s,
             "\xF0\x9F\x90\x98"s, "\xED\x9F\xBF"s, "\xEE\x80\x80"s, "\xF4\x8F\xBF\xBF"s, "\x7F"s}) {
        CAPTURE(text);
        CHECK(scrub_text(text) == text);
    }
}

TEST_CASE("scrub_text: NUL and bytes that are no UTF-8 are replaced, one by one")
{
    CHECK(scrub_text("a\0b"s) == "a" + replacement + "b");
    CHECK(scrub_text("\xFF") == replacement);
    CHECK(scrub_text("a\x80z") == "a" + replacement + "z");
    // Cut off, overlong, a surrogate, beyond the last character.
    CHECK(scrub_text("\xE2\x82") == replacement + replacement);
    CHECK(scrub_text("\xC0\xAF") == replacement + replacement);
    CHECK(scrub_text("\xE0\x80\x80") == replacement + replacement + replacement);
    CHECK(scrub_text("\xED\xA0\x80") == replacement + replacement + replacement);
    CHECK(scrub_text("\xF4\x90\x80\x80") == replacement + replacement + replacement + replacement);
    CHECK(scrub_text("\xE2\x28\xA1") == replacement + "(" + replacement);
}

TEST_CASE("scrub_json: what jsonb refuses is replaced")
{
    CHECK(scrub_json(R"({"a": "\u0000"})") == R"({"a": "\ufffd"})");
    CHECK(scrub_json(R"("\ud83d")") == R"("\ufffd")");
    CHECK(scrub_json(R"("\udc18\ud83d")") == R"("\ufffd\ufffd")");
    CHECK(scrub_json(R"("\ud83dx")") == R"("\ufffdx")");
    CHECK(scrub_json("\"\xFF\"") == "\"" + replacement + "\"");
}

TEST_CASE("scrub_json: everything else stays as written")
{
    for (const auto* json : {R"({"n": 12345678901234567890.1230e5, "t": "ü"})", R"("\ud83d\udc18")",
             R"("a\\u0000")", R"("\"\\\/\b\f\n\r\t")", R"("\u00e4\uFFFF")", "[]", ""}) {
        CAPTURE(std::string(json));
        CHECK(scrub_json(json) == json);
    }
}

TEST_CASE("scrub_json: an escape that is cut off is no reason to read beyond the end")
{
    CHECK(scrub_json("\"\\") == "\"\\");
    CHECK(scrub_json("\"\\u00") == "\"\\u00");
    CHECK(scrub_json("\"\\ud83d\\") == "\"\\ufffd\\");
}

TEST_CASE("tail_of: the longest end that begins with a whole character")
{
    CHECK(tail_of("abc", 3) == "abc");
    CHECK(tail_of("abc", 10) == "abc");
    CHECK(tail_of("abc", 2) == "bc");
    CHECK(tail_of("abc", 0).empty());
    CHECK(tail_of("a\xC3\xBC", 2) == "\xC3\xBC");
    CHECK(tail_of("a\xC3\xBC", 1).empty());
    CHECK(tail_of("\xF0\x9F\x90\x98z", 4) == "z");
}

TEST_CASE("json_quote: quotes, backslashes and control characters are escaped")
{
    CHECK(json_quote("") == "\"\"");
    CHECK(json_quote("a\"b\\c") == R"("a\"b\\c")");
    CHECK(json_quote("line\nend\x01\x1F") == R"("line\u000aend\u0001\u001f")");
    CHECK(json_quote("ü\x7F") == "\"ü\x7F\"");
    CHECK(is_storable_json(json_quote("all \"of\" it\n\t\\ \xF0\x9F\x90\x98")));
}

TEST_CASE("head_of: the longest beginning that ends with a whole character")
{
    CHECK(head_of("abc", 3) == "abc");
    CHECK(head_of("abc", 2) == "ab");
    CHECK(head_of("a\xC3\xBC", 2) == "a");
    CHECK(head_of("\xF0\x9F\x90\x98", 3).empty());
}

TEST_CASE("last_line_of: the last one that is not blank")
{
    CHECK(last_line_of("one\ntwo\r\n \n") == "two");
    CHECK(last_line_of("one") == "one");
    CHECK(last_line_of(" \n\n").empty());
}
