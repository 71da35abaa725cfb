#pragma once

#include "config/config.hpp"
#include "executor/http_client.hpp"
#include "worker/http_report.hpp"
#include "worker/kind_runner.hpp"

#include <map>
#include <memory>
#include <mutex>

namespace jobrunner {

// Runs HTTP kinds: one request per job, through the HTTP client, whose thread begins with the first of them.
//
// Threads: see JobRunner. The configuration is read at each start; replace it with set_config.
class HttpRunner final : public KindRunner {
public:
    HttpRunner(std::shared_ptr<const Config> config, RunSink& sink);

    void set_config(std::shared_ptr<const Config> config) override;

    void start(const ClaimedJob& job) override;
    void stop(const ClaimToken& token, StopCause cause) override;
    void kill_all(StopCause cause) override;
    void lease_until(std::chrono::nanoseconds boot_time) override;

private:
    struct Run {
        ClaimToken token;
        HttpContext context;
    };

    void send(const ClaimedJob& job);
    void on_end(HttpEnded ended);

    RunSink& sink_;
    std::mutex mutex_;
    std::shared_ptr<const Config> config_;
    std::map<HttpKey, Run> runs_;
    std::map<JobId, HttpKey> keys_;
    HttpKey last_key_ = 0;
    std::optional<BootClock::time_point> lease_;
    std::unique_ptr<HttpClient> client_; // last: its thread uses the rest
};

} // namespace jobrunner
