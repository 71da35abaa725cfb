#pragma once

#include "worker/worker.hpp"

#include <chrono>
#include <string>

namespace jobrunner {

// How far a worker is, for people: one line on standard error that is written over and over on a terminal, a line a
// second elsewhere.
class ProgressLine {
public:
    explicit ProgressLine(bool shown);
    ~ProgressLine();

    // Draws when it is time to.
    void show(const Worker& worker);

private:
    void draw(const Worker& worker);

    bool shown_;
    bool terminal_;
    bool drawn_ = false;
    std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
    std::chrono::steady_clock::time_point next_ = begin_;
};

} // namespace jobrunner
