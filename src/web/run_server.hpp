#pragma once

#include "config/config.hpp"
#include "storage/open_storage.hpp"

#include <functional>
#include <string>

namespace jobrunner {

// What `jobrunner serve` was asked to do.
struct ServeOptions {
    WebConfig web;
    DatabaseOptions database;
    std::function<void(const std::string& url)> listening; // told where the page is, once it is there
};

// Serves the page, the API and the metrics until SIGTERM or SIGINT, and returns the exit status. Under systemd it says
// when it is ready. Throws Error{usage} when the address cannot be had, Error{unreachable} and Error{outdated} when
// the database is not there or does not fit at the start; later it waits for the database to come back.
//
// Requires: no other thread yet, since it blocks signals for all.
[[nodiscard]] int run_server(const ServeOptions& options);

} // namespace jobrunner
