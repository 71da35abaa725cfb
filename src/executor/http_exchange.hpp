#pragma once

#include "core/ip_network.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace jobrunner {

using HttpKey = std::uint64_t;

// One request, ready to be sent.
struct HttpRequest {
    HttpKey key = 0;
    std::string method;
    std::string url;                  // http or https
    std::string host;                 // what connections_max counts by
    std::vector<std::string> headers; // "Name: value", without line ends
    std::optional<std::string> body;
    AddressPolicy addresses;
    int connections_max = 0;              // to one host; 0: no limit
    std::chrono::milliseconds timeout{0}; // in all; 0: none
    std::chrono::milliseconds connect_timeout{10'000};
    std::size_t response_max = 1024 * 1024;
    std::string ca_file; // empty: the host's certificates
    std::string proxy;   // empty: none, whatever the environment says
};

enum class HttpEnd {
    answered, // a whole answer came, or as much of one as was asked for
    failed,   // none came, see error
    refused,  // every address of the host is one that may not be asked, see error
    timed_out,
    stopped,
    lease_lost
};

// How a request ended.
struct HttpEnded {
    HttpKey key = 0;
    HttpEnd end = HttpEnd::failed;
    std::string error_class; // failed, refused: one word
    std::string error;
    int status = 0;
    std::string body;
    bool too_large = false; // the body is cut off at response_max
    std::string content_type;
    std::string retry_after;
    std::string date;
    std::string address; // that was asked
    std::chrono::microseconds connected{0};
    std::chrono::microseconds first_byte{0};
    std::chrono::microseconds total{0};
};

} // namespace jobrunner
