#include "web/worker_page.hpp"

#include "core/error.hpp"
#include "web/web_server.hpp"
#include "web/worker_metrics.hpp"

#include <spdlog/spdlog.h>

#include <thread>

namespace jobrunner {
namespace {

constexpr const char* plain_text = "text/plain; charset=utf-8";

class ServedWorkerPage {
public:
    ServedWorkerPage(const WebConfig& config, const std::string& listen, WorkerPage::Figures figures)
        : page_(config, std::move(figures)),
          server_({.early_answer = [this](const WebRequest& request) { return page_.early_answer(request); },
              .answer = [this](const WebRequest& request) { return page_.answer(request); },
              .threads = 2,
              .patience = std::chrono::seconds(2)})
    {
        const auto address = parse_listen_address(listen);
        const int port = server_.bind(address);
        spdlog::info("metrics_served address={} port={}", address.host, port);
        thread_ = std::jthread([this] { server_.run(); });
    }
    ServedWorkerPage(const ServedWorkerPage&) = delete;
    ServedWorkerPage& operator=(const ServedWorkerPage&) = delete;
    ~ServedWorkerPage()
    {
        server_.stop();
        thread_.join();
    }

private:
    WorkerPage page_;
    WebServer server_;
    std::jthread thread_;
};

} // namespace

WorkerPage::WorkerPage(const WebConfig& config, Figures figures)
    : access_(config), figures_(std::move(figures))
{
}

std::optional<WebAnswer> WorkerPage::early_answer(const WebRequest& request) const
{
    return access_.refusal(request);
}

WebAnswer WorkerPage::answer(const WebRequest& request) const
{
    if (const auto refused = access_.refusal(request)) {
        return *refused;
    }
    const bool known = request.path == "/metrics" || request.path == "/healthz" || request.path == "/readyz";
    if (!known) {
        return problem_answer(404, "there is nothing here; /metrics, /healthz and /readyz are");
    }
    if (request.method != "GET") {
        return problem_answer(405, "the path is there, but not with this method");
    }
    if (request.path == "/healthz") {
        return {.type = plain_text, .body = "ok\n"};
    }
    return request.path == "/readyz" ? ready() : metrics(request);
}

WebAnswer WorkerPage::metrics(const WebRequest& request) const
{
    if (!access_.visitor(request)) {
        return token_expected();
    }
    return {.type = metrics_type, .body = worker_metrics_text(figures_())};
}

WebAnswer WorkerPage::ready() const
{
    const auto reason = reason_not_ready(figures_());
    return reason ? WebAnswer{.status = 503, .type = plain_text, .body = std::string(*reason) + "\n"}
                  : WebAnswer{.type = plain_text, .body = "ready\n"};
}

std::shared_ptr<void> serve_worker_page(
    const WebConfig& config, const std::string& address, WorkerPage::Figures figures)
{
    return std::make_shared<ServedWorkerPage>(config, address, std::move(figures));
}

} // namespace jobrunner
