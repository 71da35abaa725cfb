#pragma once

#include "cli/host.hpp"
#include "cli/standard_output.hpp"

namespace jobrunner {

// The host that the program really runs on: its streams, its environment, its databases.
// From its making on SIGPIPE is ignored: a reader that has gone is noticed when writing.
class ProgramHost {
public:
    ProgramHost();

    [[nodiscard]] Host& host() { return host_; }

private:
    StandardOutput output_;
    Host host_;
};

} // namespace jobrunner
