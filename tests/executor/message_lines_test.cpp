#include "executor/message_lines.hpp"

#include <doctest/doctest.h>

using namespace jobrunner;

namespace {

struct Lines {
    void operator()(std::string line, bool too_long)
    {
        lines.push_back(std::move(line));
        too_long_count += too_long ? 1 : 0;
    }

    MessageLines::Sink sink() { return std::ref(*this); }

    std::vector<std::string> lines;
    int too_long_count = 0;
};

using Texts = std::vector<std::string>;

} // namespace

TEST_CASE("messages: lines are whole however they were cut on the way")
{
    MessageLines messages;
    Lines lines;
    messages.append("{\"a\":", lines.sink());
    CHECK(lines.lines.empty());
    messages.append("1}\n{\"b\":2}\n{\"c\"", lines.sink());
    CHECK(lines.lines == Texts{"{\"a\":1}", "{\"b\":2}"});

    messages.finish(lines.sink());

    CHECK(lines.lines.back() == "{\"c\"");
    CHECK(lines.too_long_count == 0);
}

TEST_CASE("messages: empty lines are left out")
{
    MessageLines messages;
    Lines lines;
    messages.append("\n\na\n\nb\n\n", lines.sink());
    messages.finish(lines.sink());

    CHECK(lines.lines == Texts{"a", "b"});
}

TEST_CASE("messages: the longest line allowed passes")
{
    MessageLines messages;
    Lines lines;
    const std::string longest(process_message_bytes_max, 'x');
    messages.append(longest, lines.sink());
    messages.append("\n", lines.sink());

    CHECK(lines.lines == Texts{longest});
    CHECK(lines.too_long_count == 0);
}

TEST_CASE("messages: a line that is too long is told once, with its beginning, and the next one is whole")
{
    MessageLines messages;
    Lines lines;
    const std::string piece(100'000, 'x');
    for (int count = 0; count < 30; ++count)
        messages.append(piece, lines.sink());
    CHECK(lines.too_long_count == 1);
    CHECK(lines.lines.front() == std::string(200, 'x'));

    messages.append("\nnext\n", lines.sink());
    messages.finish(lines.sink());

    CHECK(lines.lines == Texts{std::string(200, 'x'), "next"});
    CHECK(lines.too_long_count == 1);
}
