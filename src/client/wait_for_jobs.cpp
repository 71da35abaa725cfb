#include "client/wait_for_jobs.hpp"

#include "core/error.hpp"

#include <algorithm>
#include <thread>
#include <vector>

namespace jobrunner {
namespace {

// Reports and forgets the jobs that have finished. Returns whether there were any.
bool take_finished(
    Storage& storage, std::vector<JobId>& waiting, bool first_look, const JobFinished& finished)
{
    const auto is_over = [&](JobId id) {
        const auto job = storage.find(id);
        if (!job && first_look) {
            throw Error(ErrorKind::not_found, "job " + std::to_string(id) + " is not found");
        }
        const bool over = !job || is_finished(job->state);
        if (over) {
            finished(id, job);
        }
        return over;
    };
    return std::erase_if(waiting, is_over) > 0;
}

} // namespace

WaitClock host_clock()
{
    return {[] { return std::chrono::steady_clock::now(); },
        [](Milliseconds length) { std::this_thread::sleep_for(length); }};
}

Milliseconds PollPause::next()
{
    const auto pause = pause_;
    pause_ = std::min(most, pause_ * 3 / 2);
    return pause;
}

bool wait_for_jobs(Storage& storage, std::span<const JobId> ids, std::optional<Milliseconds> at_most,
    const WaitClock& clock, const JobFinished& finished)
{
    const auto begin = clock.now();
    std::vector<JobId> waiting(ids.begin(), ids.end());
    PollPause pause;
    for (bool first_look = true;; first_look = false) {
        if (take_finished(storage, waiting, first_look, finished)) {
            pause.reset();
        }
        const auto passed = std::chrono::duration_cast<Milliseconds>(clock.now() - begin);
        if (waiting.empty() || (at_most && passed >= *at_most)) {
            return waiting.empty();
        }
        const auto next = pause.next();
        clock.sleep(at_most ? std::min(next, *at_most - passed) : next);
    }
}

} // namespace jobrunner
