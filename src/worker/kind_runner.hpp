#pragma once

#include "config/config.hpp"
#include "worker/job_runner.hpp"

#include <memory>

namespace jobrunner {

// A JobRunner for one way to run a kind. RunnerSet gives it only jobs of kinds that the configuration it has last
// given declares for that way.
//
// Threads: see JobRunner; set_config() too. What runs goes on as it began.
class KindRunner : public JobRunner {
public:
    virtual void set_config(std::shared_ptr<const Config> config) = 0;
};

} // namespace jobrunner
