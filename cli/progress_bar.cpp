#include "cli/progress_bar.hpp"

#include <algorithm>
#include <string>

namespace jobrunner {

ProgressBar::ProgressBar(std::ostream& err, bool is_terminal, std::int64_t total)
    : err_(err), is_terminal_(is_terminal), total_(std::max<std::int64_t>(1, total))
{
    draw();
}

ProgressBar::~ProgressBar()
{
    if (is_terminal_) {
        err_ << "\r\033[K" << std::flush;
    }
}

void ProgressBar::advance(std::int64_t by)
{
    done_ += by;
    draw();
}

void ProgressBar::draw()
{
    if (!is_terminal_) {
        return;
    }
    constexpr std::int64_t width = 30;
    const auto filled = static_cast<std::size_t>(width * std::min(done_, total_) / total_);
    err_ << "\r[" << std::string(filled, '#') << std::string(width - filled, '.') << "] " << done_ << "/"
         << total_ << std::flush;
}

} // namespace jobrunner
