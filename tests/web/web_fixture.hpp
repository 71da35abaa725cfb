#pragma once

#include "cli/fake_storage.hpp"
#include "web/web_app.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <sstream>
#include <string>

namespace jobrunner::tests {

// A WebApp over a fake database.
class WebFixture {
public:
    explicit WebFixture(WebConfig web = {}) : config(std::move(web)) {}

    // As the browser at the host's own address would ask.
    WebRequest request(const std::string& method, const std::string& target, const std::string& body = "")
    {
        std::istringstream parts(target);
        WebRequest made;
        made.method = method;
        std::getline(parts, made.path, '?');
        made.body = body;
        made.headers.emplace("host", "127.0.0.1:8642");
        made.peer = "127.0.0.1";
        if (method == "POST") {
            made.headers.emplace("content-type", "application/json");
        }
        std::string name;
        std::string value;
        while (std::getline(parts, name, '=')) {
            value.clear();
            std::getline(parts, value, '&');
            made.query.emplace(name, value);
        }
        return made;
    }

    WebAnswer ask(const WebRequest& made)
    {
        // The keeper reads as soon as it is there, in a thread of its own; the fake storage is one thread's.
        const bool from_snapshot = made.path == "/api/v1/overview" || made.path == "/api/v1/queues" ||
            made.path == "/metrics" || made.path == "/readyz";
        SnapshotKeeper snapshots(
            [&] { return from_snapshot ? read_snapshot(*storage, counters, watch) : Snapshot{}; },
            [] { return now(); });
        const WebApp app(config, {pool, pool, snapshots, [] { return now(); }});
        return app.answer(made);
    }
    WebAnswer get(const std::string& target) { return ask(request("GET", target)); }
    WebAnswer post(const std::string& target, const std::string& body)
    {
        return ask(request("POST", target, body));
    }

    static TimePoint now() { return *to_time_point("2026-01-31T10:00:00.000Z"); }

    WebConfig config;
    std::shared_ptr<FakeStorage> storage = std::make_shared<FakeStorage>();
    StatsCounters counters;
    FindingsWatch watch;
    StoragePool pool{[this] { return storage; }, 2};
};

} // namespace jobrunner::tests
