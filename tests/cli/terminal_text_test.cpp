#include "cli/terminal_text.hpp"

#include <doctest/doctest.h>

using namespace jobrunner;

TEST_CASE("shown: control characters become visible and cannot be obeyed")
{
    CHECK(shown("\x1b[31mred\x1b[0m") == "\\x1b[31mred\\x1b[0m");
    CHECK(shown("a\nb\tc\rd") == "a\\nb\\tc\\rd");
    CHECK(shown(std::string_view("nul\0\x07\x7f", 6)) == "nul\\x00\\x07\\x7f");
}

TEST_CASE("shown: C1 controls, bidirectional overrides and tag characters become visible")
{
    CHECK(shown("\xC2\x9B"
                "2J") == "\\u009b2J");
    CHECK(shown("a\xE2\x80\xAE"
                "b") == "a\\u202eb");
    CHECK(shown("\xE2\x81\xA6") == "\\u2066");
    CHECK(shown("\xF3\xA0\x81\x81") == "\\U000e0041");
}

TEST_CASE("shown: bytes that are no UTF-8 become visible one by one")
{
    CHECK(shown("\x9b"
                "2J") == "\\x9b2J");
    CHECK(shown("\xC0\xAF") == "\\xc0\\xaf");
    CHECK(shown("\xED\xA0\x80") == "\\xed\\xa0\\x80");
    CHECK(shown("cut \xE2\x82") == "cut \\xe2\\x82");
}

TEST_CASE("shown: ordinary text of any language stays")
{
    CHECK(shown("Grüße, 世界 🎉") == "Grüße, 世界 🎉");
}

TEST_CASE("shown lines: line breaks and tabs stay, a carriage return before a line break goes")
{
    CHECK(shown_lines("a\tb\r\nc\n") == "a\tb\nc\n");
    CHECK(shown_lines("50%\r60%\x1b[K") == "50%\\r60%\\x1b[K");
}

TEST_CASE("width: wide characters count twice, combining ones not at all")
{
    CHECK(display_width("abc") == 3);
    CHECK(display_width("世界") == 4);
    CHECK(display_width("e\xCC\x81") == 1);
}

TEST_CASE("cut: text ends in an ellipsis and never exceeds the width")
{
    CHECK(cut_to_width("abcdef", 6) == "abcdef");
    CHECK(cut_to_width("abcdefg", 6) == "abcde…");
    CHECK(cut_to_width("世界世界", 6) == "世界…");
    CHECK(cut_to_width("世界世界", 4) == "世…");
    CHECK(cut_to_width("abc", 0).empty());
}
