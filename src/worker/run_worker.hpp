#pragma once

#include "config/config.hpp"
#include "core/worker_figures.hpp"
#include "storage/open_storage.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace jobrunner {

// What `jobrunner work` was asked to do.
struct WorkOptions {
    Config config;
    DatabaseOptions database;
    std::vector<std::string> queues; // none: every queue
    std::optional<int> slots;        // instead of the configuration's
    bool until_idle = false;         // leave when nothing is left to run now
    bool progress = false;           // a line on standard error that says how far it is
    std::string log_level = "info";
    std::string log_format = "text";
    std::string config_path; // read again on SIGHUP; empty: there is none
    // Shows the worker's figures to others until what it returns is destroyed; it may ask for them from any thread until
    // then. Called before anything is claimed; what it throws ends the worker. Empty: nobody is shown anything.
    using Watch = std::function<std::shared_ptr<void>(std::function<WorkerFigures()> figures)>;
    Watch watch;
};

// Works until told to stop, and returns the exit status.
//
// SIGTERM or SIGINT drains: no new claims, running jobs may finish for shutdown_timeout, the rest is given back. A
// second one, or SIGQUIT, gives back at once. SIGHUP reads the configuration again; a bad one is logged and changes
// nothing. SIGUSR1 makes it quiet (no new claims), SIGUSR2 takes that back. Under systemd it says when it is
// ready, reloading and stopping, and feeds the watchdog while its threads get on.
//
// Requires: no other thread yet, since it blocks signals for all.
[[nodiscard]] int run_worker(const WorkOptions& options);

} // namespace jobrunner
