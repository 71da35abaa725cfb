#include "worker/http_runner.hpp"

#include "config/secret_value.hpp"
#include "core/error.hpp"
#include "worker/http_job.hpp"
#include "worker/run_reports.hpp"

#include <ctime>

namespace jobrunner {
HttpRunner::HttpRunner(std::shared_ptr<const Config> config, RunSink& sink)
    : sink_(sink), config_(std::move(config))
{
}

void HttpRunner::set_config(std::shared_ptr<const Config> config)
{
    const std::lock_guard lock(mutex_);
    config_ = std::move(config);
}

void HttpRunner::start(const ClaimedJob& job)
{
    try {
        send(job);
    } catch (const Error& error) {
        sink_.done(job.token, not_started_report(error));
    }
}

void HttpRunner::send(const ClaimedJob& job)
{
    std::unique_lock lock(mutex_);
    const auto config = config_;
    lock.unlock();
    const KindConfig* kind = find_kind(*config, job.kind);
    const auto* http = kind == nullptr ? nullptr : std::get_if<HttpConfig>(&kind->runs);
    if (http == nullptr) {
        throw Error(ErrorKind::not_found, "kind " + job.kind + " is no longer an HTTP kind here");
    }
    HttpJob made = http_job(
        job, *http, kind->policy, [&](const std::string& name) { return secret_value(*config, name); },
        std::time(nullptr));
    HttpContext context{.method = made.request.method,
        .host = made.request.host,
        .timeout = made.request.timeout,
        .retry_after_max = http->retry_after_max,
        .cause = {},
        .secrets = std::move(made.secrets)};

    lock.lock();
    if (!client_) {
        client_ = std::make_unique<HttpClient>([this](HttpEnded ended) { on_end(std::move(ended)); });
        if (lease_) {
            client_->lease_until(*lease_);
        }
    }
    made.request.key = ++last_key_;
    runs_[made.request.key] = {job.token, std::move(context)};
    keys_[job.token.job] = made.request.key;
    client_->start(std::move(made.request));
}

void HttpRunner::stop(const ClaimToken& token, StopCause cause)
{
    const std::lock_guard lock(mutex_);
    const auto key = keys_.find(token.job);
    if (key != keys_.end() && runs_.at(key->second).token == token) {
        runs_.at(key->second).context.cause = cause;
        client_->stop(key->second);
    }
}

void HttpRunner::kill_all(StopCause cause)
{
    const std::lock_guard lock(mutex_);
    for (auto& [key, run] : runs_) {
        run.context.cause = cause;
    }
    if (client_) {
        client_->stop_all();
    }
}

void HttpRunner::lease_until(std::chrono::nanoseconds boot_time)
{
    const std::lock_guard lock(mutex_);
    lease_ = BootClock::time_point(boot_time);
    if (client_) {
        client_->lease_until(*lease_);
    }
}

void HttpRunner::on_end(HttpEnded ended)
{
    std::unique_lock lock(mutex_);
    const auto found = runs_.find(ended.key);
    if (found == runs_.end()) {
        return;
    }
    const Run run = std::move(found->second);
    runs_.erase(found);
    if (const auto key = keys_.find(run.token.job); key != keys_.end() && key->second == ended.key) {
        keys_.erase(key);
    }
    lock.unlock();
    sink_.done(run.token, http_report(std::move(ended), run.context, std::time(nullptr)));
}

} // namespace jobrunner
