#pragma once

#include "executor/http_client.hpp"
#include "executor/http_transfer.hpp"
#include "executor/lease_timer.hpp"

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace jobrunner {

// The thread behind HttpClient: owns libcurl's multi handle and all transfers.
//
// Threads: the public methods from any thread, they only leave orders; everything else on its own thread.
class HttpLoop {
public:
    explicit HttpLoop(HttpClient::Handler on_end);
    ~HttpLoop();
    HttpLoop(const HttpLoop&) = delete;
    HttpLoop& operator=(const HttpLoop&) = delete;

    void start(HttpRequest request);
    void stop(HttpKey key);
    void stop_all();
    void lease_until(BootClock::time_point until);

private:
    struct Orders {
        std::vector<HttpRequest> start;
        std::vector<HttpKey> stop;
        bool stop_all = false;
        std::optional<BootClock::time_point> lease;
    };
    struct Run {
        std::unique_ptr<HttpTransfer> transfer;
        bool is_sent = false; // added to the multi handle
    };

    template <typename Change>
    void order(Change change);
    void run(const std::stop_token& stop);
    void obey();
    void take(HttpRequest request);
    void send_waiting();
    [[nodiscard]] bool has_room(const HttpRequest& request) const;
    void send(HttpKey key, Run& run);
    void unsend(Run& run);
    void collect();
    void finished(CURL* handle, CURLcode code);
    void end(HttpKey key, HttpEnd how);
    void end_all(HttpEnd how);

    HttpClient::Handler on_end_;
    std::mutex mutex_;
    Orders orders_;
    CURLM* multi_;
    LeaseTimer lease_;
    std::map<HttpKey, Run> runs_;
    std::deque<HttpKey> waiting_; // for room: of connections_max, or to look a name up
    std::map<std::string, int> sent_by_host_;
    int resolving_ = 0;
    bool room_changed_ = false;
    std::jthread thread_; // last: it uses the rest
};

} // namespace jobrunner
