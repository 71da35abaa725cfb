#pragma once

#include "worker/worker.hpp"

#include <chrono>
#include <string>

namespace jobrunner {

// One line on standard error that is written over and over, for people who watch a worker at a terminal.
class ProgressLine {
public:
    explicit ProgressLine(bool shown) : shown_(shown) {}
    ~ProgressLine();

    // Draws at most five times a second.
    void show(const Worker& worker);

private:
    void draw(const Worker& worker);

    bool shown_;
    bool drawn_ = false;
    std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
    std::chrono::steady_clock::time_point next_ = begin_;
};

} // namespace jobrunner
