#pragma once

#include <cstdint>
#include <ostream>

namespace jobrunner {

// A bar on a terminal that is drawn over itself; draws nothing where there is no terminal. Clears its line at the end.
class ProgressBar {
public:
    ProgressBar(std::ostream& err, bool is_terminal, std::int64_t total);
    ProgressBar(const ProgressBar&) = delete;
    ProgressBar& operator=(const ProgressBar&) = delete;
    ~ProgressBar();

    void advance(std::int64_t by);

private:
    void draw();

    std::ostream& err_;
    bool is_terminal_;
    std::int64_t total_;
    std::int64_t done_ = 0;
};

} // namespace jobrunner
