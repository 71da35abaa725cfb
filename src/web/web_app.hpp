#pragma once

#include "web/access.hpp"
#include "web/redaction.hpp"
#include "web/snapshot_keeper.hpp"
#include "web/storage_pool.hpp"
#include "web/web_message.hpp"

#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace jobrunner {

// What the answers are made of. `reads` may be a replica.
struct WebParts {
    StoragePool& reads;
    StoragePool& writes;
    SnapshotKeeper& snapshots;
    std::function<TimePoint()> now; // the host's clock
};

// Answers requests: the page, the API, the metrics. Knows nothing of sockets.
//
// Thread-safe. Throws nothing that a request brings about: what goes wrong becomes an answer.
class WebApp {
public:
    WebApp(const WebConfig& config, WebParts parts);

    // What can be said before a body has been read; nothing: go on.
    [[nodiscard]] std::optional<WebAnswer> early_answer(const WebRequest& request) const;
    [[nodiscard]] WebAnswer answer(const WebRequest& request) const;

    // A request that the server knows. The path may hold {id}, which stands for a job's number.
    struct Call {
        const WebRequest& request;
        Visitor visitor;
        JobId id = 0;
    };
    struct Route {
        std::string_view method;
        std::string_view path;
        std::optional<WebScope> scope; // that the visitor must have; nothing: anybody
        WebAnswer (WebApp::*handle)(const Call&) const;
    };
    [[nodiscard]] static std::span<const Route> routes();

private:
    [[nodiscard]] WebAnswer answer_or_throw(const WebRequest& request) const;
    [[nodiscard]] const Access& access() const { return access_; }

    // web_app.cpp
    WebAnswer whoami(const Call& call) const;
    WebAnswer login(const Call& call) const;
    WebAnswer logout(const Call& call) const;
    WebAnswer overview(const Call& call) const;
    WebAnswer events(const Call& call) const;
    WebAnswer metrics(const Call& call) const;
    WebAnswer health(const Call& call) const;
    WebAnswer ready(const Call& call) const;
    WebAnswer description(const Call& call) const;
    // web_jobs.cpp
    WebAnswer list_jobs(const Call& call) const;
    WebAnswer enqueue_jobs(const Call& call) const;
    WebAnswer act_on_jobs(const Call& call) const;
    WebAnswer show_job(const Call& call) const;
    WebAnswer list_attempts(const Call& call) const;
    WebAnswer explain(const Call& call) const;
    WebAnswer read_log(const Call& call) const;
    WebAnswer cancel_job(const Call& call) const;
    WebAnswer retry_job(const Call& call) const;
    WebAnswer delete_job(const Call& call) const;
    WebAnswer reschedule_job(const Call& call) const;
    WebAnswer edit_job(const Call& call) const;
    WebAnswer act_on_one(const Call& call, JobCommand command) const;
    // web_tables.cpp
    WebAnswer list_queues(const Call& call) const;
    WebAnswer pause_queue(const Call& call) const;
    WebAnswer resume_queue(const Call& call) const;
    WebAnswer set_queue(const Call& call) const;
    WebAnswer list_limits(const Call& call) const;
    WebAnswer set_limit(const Call& call) const;
    WebAnswer remove_limit(const Call& call) const;
    WebAnswer list_workers(const Call& call) const;
    WebAnswer list_schedules(const Call& call) const;
    WebAnswer list_schedule_runs(const Call& call) const;
    WebAnswer pause_schedule(const Call& call) const;
    WebAnswer resume_schedule(const Call& call) const;
    WebAnswer run_schedule(const Call& call) const;
    WebAnswer list_dead(const Call& call) const;
    WebAnswer list_batches(const Call& call) const;
    WebAnswer kind_stats(const Call& call) const;
    WebAnswer minute_stats(const Call& call) const;

    Access access_;
    Redaction redaction_;
    WebParts parts_;
};

// The answer {"items": list, "next": next}.
[[nodiscard]] WebAnswer list_answer(const std::string& list, const std::string& next = "null");

} // namespace jobrunner
