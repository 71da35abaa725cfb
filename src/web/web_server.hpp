#pragma once

#include "config/listen_address.hpp"
#include "web/snapshot_keeper.hpp"
#include "web/web_app.hpp"

#include <memory>
#include <string>

namespace jobrunner {

// Serves a WebApp over HTTP/1.1, one request a connection. Bodies have 2 MiB at most, header lines and addresses 8 KiB.
class WebServer {
public:
    // Both must outlive it.
    WebServer(const WebApp& app, SnapshotKeeper& snapshots);
    WebServer(const WebServer&) = delete;
    WebServer& operator=(const WebServer&) = delete;
    ~WebServer();

    // Takes the address and returns its port. Throws Error{usage} when it cannot be had.
    [[nodiscard]] int bind(const ListenAddress& address);
    // Serves until stop(), which another thread calls.
    void run();
    void stop();

private:
    class Sockets;
    std::unique_ptr<Sockets> sockets_;
};

} // namespace jobrunner
