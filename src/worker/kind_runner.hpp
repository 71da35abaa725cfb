#pragma once

#include "config/config.hpp"
#include "worker/job_runner.hpp"

#include <memory>
#include <vector>

namespace jobrunner {

// A JobRunner for one way to run a kind. RunnerSet gives it only jobs of kinds that the configuration it has last
// given declares for that way.
//
// Threads: see JobRunner; set_config() too. What runs goes on as it began.
class KindRunner : public JobRunner {
public:
    virtual void set_config(std::shared_ptr<const Config> config) = 0;
    // Jobs of one kind that are run together; each is answered by its own done(). One that cannot runs each by itself.
    virtual void start_chunk(const std::vector<ClaimedJob>& jobs)
    {
        for (const auto& job : jobs) {
            start(job);
        }
    }
};

} // namespace jobrunner
