#include "cli/table.hpp"
#include "cli/terminal_text.hpp"

#include <doctest/doctest.h>
#include <sstream>

using namespace jobrunner;

namespace {

Table example()
{
    Table table({{.title = "ID", .right = true}, {.title = "KIND", .may_shrink = true},
        {.title = "ARGS", .may_shrink = true}});
    table.add({"7", "mail.send", R"({"to": "somebody@example.com"})"});
    table.add({"12345", "x", "{}"});
    return table;
}

std::string printed(const Table& table, std::optional<std::size_t> width)
{
    std::ostringstream out;
    table.print(out, width);
    return out.str();
}

std::size_t widest_line(const std::string& text)
{
    std::istringstream in(text);
    std::size_t widest = 0;
    for (std::string line; std::getline(in, line);) {
        widest = std::max(widest, display_width(line));
    }
    return widest;
}

} // namespace

TEST_CASE("table: without a terminal nothing is cut, and columns are aligned without tabs")
{
    CHECK(printed(example(), std::nullopt) ==
        "   ID  KIND       ARGS\n"
        "    7  mail.send  {\"to\": \"somebody@example.com\"}\n"
        "12345  x          {}\n");
}

TEST_CASE("table: a terminal's width is kept by shrinking the long columns")
{
    const auto text = printed(example(), 30);

    CHECK(text ==
        "   ID  KIND       ARGS\n"
        "    7  mail.send  {\"to\": \"som…\n"
        "12345  x          {}\n");
    for (const std::size_t width : {5U, 12U, 25U, 31U, 45U, 60U}) {
        CHECK(widest_line(printed(example(), width)) <= width);
    }
}

TEST_CASE("table: a cell cannot break out of its line")
{
    Table table({{.title = "KIND"}});
    table.add({"a\nb\x1b[2J"});

    CHECK(printed(table, std::nullopt) == "KIND\na\\nb\\x1b[2J\n");
}

TEST_CASE("facts: names are aligned, empty values are left out")
{
    Facts facts;
    facts.add("id", "7");
    facts.add("error", "");
    facts.add("created", "now\n");
    std::ostringstream out;
    facts.print(out);

    CHECK(out.str() == "id       7\ncreated  now\\n\n");
}
