#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jobrunner {

// An IPv4 or IPv6 address. IPv4 is held as its v4-mapped IPv6 address, so both spellings are one.
struct IpAddress {
    std::array<std::uint8_t, 16> bytes{};

    [[nodiscard]] static std::optional<IpAddress> parse(std::string_view text);
    [[nodiscard]] static IpAddress v4(const std::uint8_t* four);
    [[nodiscard]] static IpAddress v6(const std::uint8_t* sixteen);
    [[nodiscard]] bool is_v4() const;
    [[nodiscard]] std::string text() const;
};

// All addresses that begin with the same bits.
struct IpNetwork {
    IpAddress first;
    int bits = 128;

    // "10.0.0.0/8", "fd00::/8", or one address. Nothing when it is none, or has bits set behind its length.
    [[nodiscard]] static std::optional<IpNetwork> parse(std::string_view text);
    [[nodiscard]] bool holds(const IpAddress& address) const;
};

// What requests of jobs may reach besides the public internet.
struct AddressPolicy {
    bool allow_private = false; // loopback, private and shared (CGNAT) addresses
    std::vector<IpNetwork> allow_networks;
};

// What kind of address it is that may not be asked, such as "a private address"; nothing if it may.
[[nodiscard]] std::optional<std::string_view> reason_to_refuse(
    const AddressPolicy& policy, const IpAddress& address);

} // namespace jobrunner
