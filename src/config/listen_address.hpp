#pragma once

#include <string>
#include <string_view>

namespace jobrunner {

// Where a server listens.
struct ListenAddress {
    std::string host; // an IP address without brackets
    int port = 0;     // 0: any that is free
    bool loopback = false;
};

// "127.0.0.1:8642", "[::1]:8642" or "localhost:8642", which is 127.0.0.1.
// Throws Error{usage} that says what was expected.
[[nodiscard]] ListenAddress parse_listen_address(std::string_view text);

} // namespace jobrunner
