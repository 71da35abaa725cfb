#include "core/ip_network.hpp"

#include <doctest/doctest.h>

using namespace jobrunner;

namespace {

bool is_allowed(const AddressPolicy& policy, const std::string& address)
{
    return !reason_to_refuse(policy, IpAddress::parse(address).value());
}

} // namespace

TEST_CASE("addresses: only public ones are asked")
{
    for (const auto* address : {"8.8.8.8", "93.184.216.34", "172.32.0.1", "100.128.0.1", "2606:4700::1111",
             "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"}) {
        CAPTURE(address);
        CHECK(is_allowed({}, address));
    }
    for (const auto* address : {"127.0.0.1", "127.255.255.255", "10.0.0.1", "172.16.0.1", "172.31.255.255",
             "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "0.1.2.3", "224.0.0.1",
             "255.255.255.255", "192.0.2.1", "198.18.0.1", "::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254",
             "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1",
             "2002:7f00:1::1", "2001:db8::1", "2001::1", "fec0::1"}) {
        CAPTURE(address);
        CHECK_FALSE(is_allowed({}, address));
    }
}

TEST_CASE("addresses: allow_private lets private ones through, metadata and multicast not")
{
    const AddressPolicy policy{.allow_private = true, .allow_networks = {}};

    for (const auto* address : {"127.0.0.1", "10.0.0.1", "192.168.1.1", "100.64.0.1", "::1", "fd00::1",
             "::ffff:10.0.0.1", "8.8.8.8"}) {
        CAPTURE(address);
        CHECK(is_allowed(policy, address));
    }
    for (const auto* address :
        {"169.254.169.254", "fe80::1", "fd00:ec2::254", "224.0.0.1", "0.0.0.0", "::"}) {
        CAPTURE(address);
        CHECK_FALSE(is_allowed(policy, address));
    }
}

TEST_CASE("addresses: listed networks are allowed and nothing beside them")
{
    const AddressPolicy policy{.allow_private = false,
        .allow_networks = {*IpNetwork::parse("10.1.0.0/16"), *IpNetwork::parse("fd12::/20")}};

    CHECK(is_allowed(policy, "10.1.255.1"));
    CHECK(is_allowed(policy, "::ffff:10.1.0.1"));
    CHECK(is_allowed(policy, "fd12:0fff::1"));
    CHECK_FALSE(is_allowed(policy, "10.2.0.1"));
    CHECK_FALSE(is_allowed(policy, "fd12:1000::1"));
}

TEST_CASE("networks: only well-formed ones are read")
{
    CHECK(IpNetwork::parse("10.0.0.0/8").has_value());
    CHECK(IpNetwork::parse("0.0.0.0/0").has_value());
    CHECK(IpNetwork::parse("::1").has_value());
    for (const auto* text :
        {"", "10.0.0.0/33", "10.0.0.1/8", "10.0.0.0/", "10.0.0/8", "x", "fd00::/129", "10.0.0.0/-1"}) {
        CAPTURE(text);
        CHECK_FALSE(IpNetwork::parse(text).has_value());
    }
}
