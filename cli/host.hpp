#pragma once

#include "client/time_text.hpp"
#include "client/wait_for_jobs.hpp"
#include "storage/open_storage.hpp"
#include "web/run_server.hpp"
#include "worker/run_worker.hpp"

#include <functional>
#include <istream>
#include <memory>
#include <optional>
#include <ostream>
#include <string>

namespace jobrunner {

// All that the program touches outside of itself, so that tests can run commands without a database or a terminal.
struct Host {
    std::istream& in;
    std::ostream& out;
    std::ostream& err;
    std::function<bool()> reader_gone;    // of `out`
    std::optional<std::size_t> out_width; // set where `out` is a terminal
    bool err_is_terminal = false;

    std::function<std::optional<std::string>(const char* name)> variable; // of the environment
    std::function<TimePoint()> now; // for hints to people, and for --since
    WaitClock clock;
    std::string actor; // who acts, for the audit: "ada@host"

    std::function<std::shared_ptr<Storage>(const DatabaseOptions&)> open_storage;
    std::function<std::unique_ptr<Migrator>(const DatabaseOptions&)> open_migrator;
    std::function<int(const WorkOptions&)> run_worker;
    std::function<int(const ServeOptions&)> run_server;
    std::function<void(const std::string& level, const std::string& format)> set_up_log;
};

} // namespace jobrunner
