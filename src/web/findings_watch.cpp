#include "web/findings_watch.hpp"

#include "core/error.hpp"

#include <algorithm>

namespace jobrunner {

const std::vector<Finding>& FindingsWatch::look(Storage& storage)
{
    constexpr std::chrono::minutes pause{5};
    constexpr int cost_share = 100;
    const auto begin = Clock::now();
    if (begin >= due_at_) {
        try {
            findings_ = storage.findings();
        } catch (const Error&) {
            findings_ = {{"warning", "not_looked", "what doctor looks at could not be read",
                "run jobrunner doctor, which says why"}};
        }
        const auto end = Clock::now();
        due_at_ = end + std::max<Clock::duration>(pause, (end - begin) * cost_share);
    }
    return findings_;
}

} // namespace jobrunner
