#include "config/listen_address.hpp"

#include "core/error.hpp"
#include "core/ip_network.hpp"

#include <charconv>
#include <optional>

namespace jobrunner {
namespace {

std::optional<int> parse_port(std::string_view text)
{
    constexpr int port_max = 65'535;
    int port = -1;
    const auto end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, port);
    const bool good = read.ec == std::errc{} && read.ptr == end && port >= 0 && port <= port_max;
    return good ? std::optional(port) : std::nullopt;
}

bool is_loopback(const IpAddress& address)
{
    static const auto v4 = *IpNetwork::parse("127.0.0.0/8");
    static const auto v6 = *IpNetwork::parse("::1");
    return v4.holds(address) || v6.holds(address);
}

} // namespace

ListenAddress parse_listen_address(std::string_view text)
{
    const auto colon = text.rfind(':');
    auto host = text.substr(0, colon == std::string_view::npos ? 0 : colon);
    const bool brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (brackets) {
        host = host.substr(1, host.size() - 2);
    }
    if (host == "localhost") {
        host = "127.0.0.1";
    }
    const auto address = IpAddress::parse(host);
    const auto port = colon == std::string_view::npos ? std::nullopt : parse_port(text.substr(colon + 1));
    if (!address || !port || brackets != (host.find(':') != std::string_view::npos)) {
        throw Error(ErrorKind::usage,
            "is \"" + std::string(text) +
                "\"; an IP address and a port such as 127.0.0.1:8642 or [::1]:8642 was expected");
    }
    return {std::string(host), *port, is_loopback(*address)};
}

} // namespace jobrunner
