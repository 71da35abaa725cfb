#pragma once

#include "config/config.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jobrunner {

// A request and an answer of HTTP as plain values, so that all but the sockets can be tested without one.
struct WebRequest {
    std::string method; // GET or POST
    std::string path;   // decoded
    std::multimap<std::string, std::string> query;
    std::multimap<std::string, std::string> headers; // names in lower case
    std::string body;
    std::string peer; // the address at the other end
};

// The header's value if it is there exactly once.
[[nodiscard]] std::optional<std::string> header_of(const WebRequest& request, std::string_view lower_name);

struct WebAnswer {
    int status = 200;
    std::string type = "application/json";
    std::string body{};
    std::vector<std::pair<std::string, std::string>> headers{};
    bool events = false; // goes on as a stream of server-sent events, which the server writes
};

// An answer that says what is wrong, for people.
[[nodiscard]] WebAnswer problem_answer(int status, std::string_view message);
// The answer to somebody who is not known.
[[nodiscard]] WebAnswer token_expected();

// Of Prometheus' text format.
inline constexpr const char* metrics_type = "text/plain; version=0.0.4; charset=utf-8";

// Who asks.
struct Visitor {
    std::string actor; // for the audit: "web:ada"
    WebScope scope = WebScope::read;
};

[[nodiscard]] std::string_view to_string(WebScope scope);

} // namespace jobrunner
