#pragma once

#include "executor/http_exchange.hpp"

#include <curl/curl.h>

#include <functional>
#include <memory>

namespace jobrunner {

// One request as libcurl runs it: its handle with all options set, and what has come in so far.
//
// Threads: its loop's alone. Stays where it is, as libcurl holds its address.
class HttpTransfer {
public:
    // `may_resolve` is asked before a name is looked up, which costs a thread; if it says no, the transfer ends at once
    // and is_deferred(). `resolved` is called once for each yes, when the lookup or the transfer is over.
    struct Hooks {
        std::function<bool()> may_resolve;
        std::function<void()> resolved;
    };

    HttpTransfer(HttpRequest request, Hooks hooks); // throws Error{internal}
    ~HttpTransfer();
    HttpTransfer(const HttpTransfer&) = delete;
    HttpTransfer& operator=(const HttpTransfer&) = delete;

    [[nodiscard]] CURL* handle() const { return handle_; }
    [[nodiscard]] const HttpRequest& request() const { return request_; }
    [[nodiscard]] bool is_deferred() const { return deferred_; }
    // Makes it ready to be added to a multi handle once more.
    void restart() { deferred_ = false; }

    // What came of it, with libcurl's code for its end.
    [[nodiscard]] HttpEnded ended(CURLcode code);

private:
    static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self);
    static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self);
    static curl_socket_t on_open(void* self, curlsocktype purpose, curl_sockaddr* address);
    static int on_request(void* self, char* remote, char* local, int remote_port, int local_port);
    static int on_resolve(void* state, void* reserved, void* self);

    void set_options();
    void set_body();
    void take_header(std::string_view line);
    [[nodiscard]] bool is_refused(const IpAddress& address);
    void release_resolve();
    void explain(HttpEnded& ended, CURLcode code) const;

    HttpRequest request_;
    Hooks hooks_;
    CURL* handle_;
    curl_slist* headers_ = nullptr;
    HttpEnded answer_;
    std::size_t header_bytes_ = 0;
    std::string refusal_;
    bool headers_too_large_ = false;
    bool deferred_ = false;
    bool resolving_ = false;
};

} // namespace jobrunner
