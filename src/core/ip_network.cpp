#include "core/ip_network.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace jobrunner {
namespace {

constexpr int v4_prefix_bits = 96;

struct Special {
    std::string_view network;
    std::string_view what;
    bool by_allow_private = false;
};

// The first that holds an address names it. Sources: IANA's registries of special-purpose addresses.
constexpr std::array specials{Special{"127.0.0.0/8", "a loopback address", true},
    Special{"::1", "a loopback address", true}, Special{"10.0.0.0/8", "a private address", true},
    Special{"172.16.0.0/12", "a private address", true}, Special{"192.168.0.0/16", "a private address", true},
    Special{"fc00::/7", "a private address", true},
    Special{"100.64.0.0/10", "a shared address (CGNAT)", true},
    Special{"169.254.0.0/16", "a link-local address, where clouds keep their metadata"},
    Special{"fe80::/10", "a link-local address"}, Special{"0.0.0.0/8", "an unspecified address"},
    Special{"::", "an unspecified address"}, Special{"224.0.0.0/4", "a multicast address"},
    Special{"ff00::/8", "a multicast address"}, Special{"240.0.0.0/4", "a reserved address"},
    Special{"192.0.0.0/24", "a reserved address"}, Special{"192.0.2.0/24", "a reserved address"},
    Special{"198.18.0.0/15", "a reserved address"}, Special{"198.51.100.0/24", "a reserved address"},
    Special{"203.0.113.0/24", "a reserved address"}, Special{"2001::/23", "a reserved address"},
    Special{"2001:db8::/32", "a reserved address"}};

const IpNetwork& metadata_v6()
{
    static const IpNetwork network = *IpNetwork::parse("fd00:ec2::/32");
    return network;
}

struct SpecialNetwork {
    IpNetwork network;
    std::string_view what;
    bool by_allow_private;
};

const std::vector<SpecialNetwork>& special_networks()
{
    static const auto networks = [] {
        std::vector<SpecialNetwork> made;
        for (const auto& special : specials) {
            made.push_back({*IpNetwork::parse(special.network), special.what, special.by_allow_private});
        }
        return made;
    }();
    return networks;
}

// The IPv4 address within one of NAT64 or 6to4, which reaches it.
std::optional<IpAddress> embedded(const IpAddress& address)
{
    static const IpNetwork nat64 = *IpNetwork::parse("64:ff9b::/96");
    static const IpNetwork six_to_four = *IpNetwork::parse("2002::/16");
    if (nat64.holds(address)) {
        return IpAddress::v4(address.bytes.data() + 12);
    }
    return six_to_four.holds(address) ? std::optional(IpAddress::v4(address.bytes.data() + 2)) : std::nullopt;
}

} // namespace

IpAddress IpAddress::v4(const std::uint8_t* four)
{
    IpAddress address;
    address.bytes[10] = address.bytes[11] = 0xFF;
    std::copy_n(four, 4, address.bytes.begin() + 12);
    return address;
}

IpAddress IpAddress::v6(const std::uint8_t* sixteen)
{
    IpAddress address;
    std::copy_n(sixteen, 16, address.bytes.begin());
    return address;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text)
{
    const std::string terminated(text);
    std::array<std::uint8_t, 16> bytes{};
    if (terminated.size() == text.size() && ::inet_pton(AF_INET, terminated.c_str(), bytes.data()) == 1) {
        return v4(bytes.data());
    }
    return ::inet_pton(AF_INET6, terminated.c_str(), bytes.data()) == 1 ? std::optional(v6(bytes.data()))
                                                                        : std::nullopt;
}

bool IpAddress::is_v4() const
{
    return std::all_of(bytes.begin(), bytes.begin() + 10, [](auto byte) { return byte == 0; }) &&
        bytes[10] == 0xFF && bytes[11] == 0xFF;
}

std::string IpAddress::text() const
{
    std::array<char, INET6_ADDRSTRLEN> text{};
    const bool four = is_v4();
    ::inet_ntop(four ? AF_INET : AF_INET6, bytes.data() + (four ? 12 : 0), text.data(), text.size());
    return text.data();
}

std::optional<IpNetwork> IpNetwork::parse(std::string_view text)
{
    const auto slash = text.find('/');
    const auto address = IpAddress::parse(text.substr(0, slash));
    if (!address) {
        return std::nullopt;
    }
    const int most = address->is_v4() ? 32 : 128;
    int bits = most;
    if (slash != std::string_view::npos) {
        const auto digits = text.substr(slash + 1);
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
        if (error != std::errc() || end != digits.data() + digits.size() || bits < 0 || bits > most) {
            return std::nullopt;
        }
    }
    const IpNetwork network{*address, bits + (address->is_v4() ? v4_prefix_bits : 0)};
    for (int bit = network.bits; bit < 128; ++bit) {
        if ((address->bytes.at(static_cast<std::size_t>(bit / 8)) >> (7 - bit % 8) & 1) != 0) {
            return std::nullopt;
        }
    }
    return network;
}

bool IpNetwork::holds(const IpAddress& address) const
{
    const auto whole = static_cast<std::size_t>(bits / 8);
    if (std::memcmp(first.bytes.data(), address.bytes.data(), whole) != 0) {
        return false;
    }
    const int rest = bits % 8;
    return rest == 0 || ((first.bytes.at(whole) ^ address.bytes.at(whole)) >> (8 - rest)) == 0;
}

std::optional<std::string_view> reason_to_refuse(const AddressPolicy& policy, const IpAddress& address)
{
    const auto listed = [&](const IpNetwork& network) { return network.holds(address); };
    if (std::ranges::any_of(policy.allow_networks, listed)) {
        return std::nullopt;
    }
    if (metadata_v6().holds(address)) {
        return "an address where clouds keep their metadata";
    }
    if (const auto inner = embedded(address)) {
        return reason_to_refuse(policy, *inner);
    }
    for (const auto& special : special_networks()) {
        if (special.network.holds(address)) {
            return special.by_allow_private && policy.allow_private ? std::nullopt
                                                                    : std::optional(special.what);
        }
    }
    // Nothing outside of 2000::/3 is in public use.
    const bool public_v6 = (address.bytes[0] & 0xE0U) == 0x20U;
    return address.is_v4() || public_v6 ? std::nullopt
                                        : std::optional<std::string_view>("a reserved address");
}

} // namespace jobrunner
