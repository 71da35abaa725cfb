#pragma once

#include "config/listen_address.hpp"
#include "web/snapshot_keeper.hpp"
#include "web/web_message.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace jobrunner {

// What a WebServer serves. The functions are called from its threads, at the same time.
struct WebService {
    std::function<std::optional<WebAnswer>(const WebRequest&)>
        early_answer; // before a body is read; nothing: go on
    std::function<WebAnswer(const WebRequest&)> answer;
    SnapshotKeeper* snapshots =
        nullptr; // whose overview an answer with events streams; null: no answer has any
    std::size_t threads = 40;
    std::chrono::seconds patience{10}; // with a client that is slow to send or to read
};

// Serves over HTTP/1.1, one request a connection. Bodies have 2 MiB at most, header lines and addresses 8 KiB.
class WebServer {
public:
    explicit WebServer(WebService service);
    WebServer(const WebServer&) = delete;
    WebServer& operator=(const WebServer&) = delete;
    ~WebServer();

    // Takes the address, for itself alone, and returns its port. Throws Error{usage} when it cannot be had.
    [[nodiscard]] int bind(const ListenAddress& address);
    // Serves until stop(), which another thread calls after bind().
    void run();
    void stop();

private:
    class Sockets;
    std::unique_ptr<Sockets> sockets_;
};

} // namespace jobrunner
