#pragma once

#include "executor/boot_clock.hpp"
#include "executor/http_exchange.hpp"

#include <functional>
#include <memory>
#include <string>

namespace jobrunner {

class HttpLoop;

// Sends HTTP requests, a thousand at a time, from one thread.
//
// Every start() is answered by exactly one HttpEnded; only destruction cuts this short. Addresses are checked after the
// name is resolved, before a connection is made or used again. TLS is verified; redirects are answers; connections are kept
// and used again. Waiting for a connection (connections_max) does not count as time of the request.
//
// Threads: all methods from any thread, the handler included, which is called on the client's own thread, must not
// throw and must not destroy the client.
class HttpClient {
public:
    using Handler = std::function<void(HttpEnded)>;

    explicit HttpClient(Handler on_end); // throws Error{internal}
    ~HttpClient();
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;

    void start(HttpRequest request);
    // Aborts at once. Does nothing if the key is not running.
    void stop(HttpKey key);
    void stop_all();
    // No request runs past `until`, which replaces the earlier value. Before the first call there is no such limit.
    void lease_until(BootClock::time_point until);

private:
    std::unique_ptr<HttpLoop> loop_;
};

} // namespace jobrunner
