#include "web/web_server.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "web/overview_json.hpp"

#include <httplib.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <thread>

namespace jobrunner {
namespace {

constexpr std::size_t body_bytes_max = 2 * 1024 * 1024;
constexpr std::size_t path_bytes_max = 1000;
constexpr int streams_max = 24; // each holds a thread
constexpr std::chrono::seconds stream_pause{10};

// The library would share the address with whoever else asks for it, and each would get some of the requests.
void address_for_itself(socket_t socket)
{
    const int yes = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
}

WebRequest to_request(const httplib::Request& from)
{
    WebRequest request;
    request.method = from.method == "HEAD" ? "GET" : from.method;
    request.path = from.path;
    request.query.insert(from.params.begin(), from.params.end());
    for (const auto& [name, value] : from.headers) {
        request.headers.emplace(lower_ascii(name), value);
    }
    request.body = from.body;
    request.peer = from.remote_addr;
    // The library adds these to the headers; a client must not be taken for them, nor they for a client's.
    for (const auto* added : {"remote_addr", "remote_port", "local_addr", "local_port"}) {
        request.headers.erase(added);
    }
    return request;
}

httplib::Headers fixed_headers()
{
    return {{"Content-Security-Policy",
                "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src "
                "'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
        {"X-Content-Type-Options", "nosniff"}, {"X-Frame-Options", "DENY"},
        {"Referrer-Policy", "no-referrer"}, {"Cross-Origin-Resource-Policy", "same-origin"},
        {"Cross-Origin-Opener-Policy", "same-origin"}};
}

void write(const WebAnswer& answer, httplib::Response& response)
{
    response.status = answer.status;
    response.set_content(answer.body, answer.type);
    bool caches = false;
    for (const auto& [name, value] : answer.headers) {
        response.set_header(name, value);
        caches = caches || name == "Cache-Control";
    }
    if (!caches) {
        response.set_header("Cache-Control", "no-store");
    }
}

// What a request must be for the library to read it within bounds.
std::optional<WebAnswer> malformed(const httplib::Request& request)
{
    if (request.method != "GET" && request.method != "HEAD" && request.method != "POST") {
        return problem_answer(405, "the method GET or POST was expected");
    }
    if (request.method == "POST" &&
        (request.has_header("Transfer-Encoding") || request.get_header_value_count("Content-Length") != 1)) {
        return problem_answer(411, "Content-Length: was expected, and no Transfer-Encoding");
    }
    if (request.path.size() > path_bytes_max) {
        return problem_answer(414, "the path is longer than any that is known here");
    }
    if (request.has_header("Content-Encoding")) {
        return problem_answer(415, "Content-Encoding: is not understood; none was expected");
    }
    return std::nullopt;
}

} // namespace

class WebServer::Sockets {
public:
    explicit Sockets(WebService service) : service_(std::move(service))
    {
        server_.new_task_queue = [count = service_.threads] { return new httplib::ThreadPool(count); };
        server_.set_socket_options(address_for_itself);
        server_.set_payload_max_length(body_bytes_max);
        // One request a connection: what was not read of a refused one is never taken for the next.
        server_.set_keep_alive_max_count(1);
        server_.set_read_timeout(service_.patience);
        server_.set_write_timeout(service_.patience);
        server_.set_tcp_nodelay(true);
        server_.set_default_headers(fixed_headers());
        server_.set_pre_routing_handler([this](const httplib::Request& request, httplib::Response& response) {
            return before(request, response);
        });
        const auto answer = [this](const httplib::Request& request, httplib::Response& response) {
            serve(request, response);
        };
        server_.Get("/.*", answer);
        server_.Post("/.*", answer);
        server_.set_error_handler([](const httplib::Request&, httplib::Response& response) {
            if (response.body.empty() && response.status != 304) {
                write(problem_answer(response.status, "the request is malformed or too large"), response);
            }
        });
        server_.set_exception_handler(
            [](const httplib::Request& request, httplib::Response& response, std::exception_ptr) {
                spdlog::error("request_failed path={}", request.path);
                write(problem_answer(500, "the request could not be answered"), response);
            });
    }

    int bind(const ListenAddress& address)
    {
        const int port = address.port == 0                     ? server_.bind_to_any_port(address.host)
            : server_.bind_to_port(address.host, address.port) ? address.port
                                                               : -1;
        if (port < 0) {
            throw Error(ErrorKind::usage,
                "cannot listen on " + address.host + ":" + std::to_string(address.port) + ": " +
                    std::strerror(errno));
        }
        return port;
    }

    void run()
    {
        server_.listen_after_bind();
        over_ = true;
    }

    void stop()
    {
        stopping_ = true;
        if (service_.snapshots != nullptr) {
            service_.snapshots->stop();
        }
        // The library takes no notice of a stop before it serves.
        while (!server_.is_running() && !over_) {
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        server_.stop();
    }

private:
    using HandlerResponse = httplib::Server::HandlerResponse;

    HandlerResponse before(const httplib::Request& request, httplib::Response& response) const
    {
        // The library would cut answers to pieces as the header says, and trusts it; it may be left unheeded.
        const_cast<httplib::Request&>(request).ranges.clear();
        auto refused = malformed(request);
        if (!refused) {
            refused = service_.early_answer(to_request(request));
        }
        if (!refused) {
            return HandlerResponse::Unhandled;
        }
        write(*refused, response);
        return HandlerResponse::Handled;
    }

    void serve(const httplib::Request& request, httplib::Response& response)
    {
        const auto answer = service_.answer(to_request(request));
        if (!answer.events) {
            write(answer, response);
        } else if (request.method == "HEAD") {
            write({.type = answer.type}, response);
        } else if (streams_.fetch_add(1) >= streams_max) {
            --streams_;
            auto busy = problem_answer(503, "too many pages follow the events; try again later");
            busy.headers.emplace_back("Retry-After", "10");
            write(busy, response);
        } else {
            stream(response);
        }
    }

    // Hands out the overview each time that it is read anew.
    void stream(httplib::Response& response)
    {
        response.set_header("Cache-Control", "no-store");
        response.set_chunked_content_provider(
            "text/event-stream",
            [this, seen = std::uint64_t{0}](std::size_t, httplib::DataSink& sink) mutable {
                const auto snapshot = service_.snapshots->after(seen, stream_pause);
                if (stopping_) {
                    sink.done();
                    return true;
                }
                std::string text = ": nothing new\n\n";
                if (snapshot) {
                    seen = snapshot->version;
                    text = "event: overview\ndata: " + overview_json(*snapshot) + "\n\n";
                }
                return sink.write(text.data(), text.size());
            },
            [this](bool) { --streams_; });
    }

    const WebService service_;
    std::atomic<int> streams_{0};
    std::atomic<bool> stopping_{false};
    std::atomic<bool> over_{false};
    httplib::Server server_;
};

WebServer::WebServer(WebService service) : sockets_(std::make_unique<Sockets>(std::move(service))) {}

WebServer::~WebServer() = default;

int WebServer::bind(const ListenAddress& address)
{
    return sockets_->bind(address);
}

void WebServer::run()
{
    sockets_->run();
}

void WebServer::stop()
{
    sockets_->stop();
}

} // namespace jobrunner
