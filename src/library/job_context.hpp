#pragma once

#include "jobrunner/worker.hpp"
#include "worker/handler_runner.hpp"

namespace jobrunner {

struct JobContext::Impl {
    const ClaimedJob& job;
    std::string token;
    std::stop_token stop;
    std::optional<std::chrono::steady_clock::time_point> deadline;
    RunSink& sink;
    std::optional<std::string> schema; // nothing: there is no database
    std::string output{};              // its log's end
    bool wrote = false;
    bool completed_in = false;

    // Throws ClientError where there is no database.
    void require_database() const;
};

struct HandlerCaller {
    // Calls the handler and reports how that ended. What is no JobFailure comes through.
    static RunReport call(const Handler& handler, JobContext::Impl& impl);
};

} // namespace jobrunner
