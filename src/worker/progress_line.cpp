#include "worker/progress_line.hpp"

#include <unistd.h>

#include <cstdio>

namespace jobrunner {

ProgressLine::ProgressLine(bool shown) : shown_(shown), terminal_(::isatty(STDERR_FILENO) == 1) {}

ProgressLine::~ProgressLine()
{
    if (drawn_ && terminal_) {
        std::fputc('\n', stderr);
    }
}

void ProgressLine::show(const Worker& worker)
{
    const auto now = std::chrono::steady_clock::now();
    if (shown_ && now >= next_) {
        next_ = now + std::chrono::milliseconds(terminal_ ? 200 : 1000);
        draw(worker);
    }
}

void ProgressLine::draw(const Worker& worker)
{
    const auto& counts = worker.counts();
    const std::chrono::duration<double> length = std::chrono::steady_clock::now() - begin_;
    const auto completed = counts.completed.load();
    std::fprintf(stderr, "%scompleted %lld  failed %lld  dead %lld  running %d  %.0f jobs/s%s",
        terminal_ ? "\r\x1b[K" : "", static_cast<long long>(completed),
        static_cast<long long>(counts.failed.load()), static_cast<long long>(counts.dead.load()),
        worker.running(), length.count() > 0 ? static_cast<double>(completed) / length.count() : 0.0,
        terminal_ ? "" : "\n");
    std::fflush(stderr);
    drawn_ = true;
}

} // namespace jobrunner
