#include "executor/message_lines.hpp"

#include <utility>

namespace jobrunner {

namespace {

// As much of an overlong line as people need to recognise it.
constexpr std::size_t sample_bytes = 200;

} // namespace

void MessageLines::append(std::string_view bytes, const Sink& sink)
{
    for (std::size_t newline = bytes.find('\n'); newline != std::string_view::npos;
         newline = bytes.find('\n')) {
        append_piece(bytes.substr(0, newline), sink);
        end_line(sink);
        bytes.remove_prefix(newline + 1);
    }
    append_piece(bytes, sink);
}

void MessageLines::append_piece(std::string_view piece, const Sink& sink)
{
    if (skipping_)
        return;
    if (line_.size() + piece.size() <= process_message_bytes_max) {
        line_.append(piece);
        return;
    }
    line_.append(piece.substr(0, sample_bytes));
    line_.resize(sample_bytes);
    line_.shrink_to_fit();
    sink(std::exchange(line_, {}), true);
    skipping_ = true;
}

void MessageLines::end_line(const Sink& sink)
{
    if (!std::exchange(skipping_, false) && !line_.empty())
        sink(std::exchange(line_, {}), false);
}

void MessageLines::finish(const Sink& sink)
{
    end_line(sink);
}

} // namespace jobrunner
