#include "config/byte_size.hpp"

#include "core/error.hpp"

#include <array>
#include <charconv>
#include <limits>

namespace jobrunner {
namespace {

struct ByteUnit {
    std::string_view name;
    std::uint64_t bytes;
};

constexpr std::array<ByteUnit, 9> byte_units{
    {{"TiB", 1ULL << 40}, {"GiB", 1ULL << 30}, {"MiB", 1ULL << 20}, {"KiB", 1ULL << 10},
        {"TB", 1'000'000'000'000}, {"GB", 1'000'000'000}, {"MB", 1'000'000}, {"KB", 1'000}, {"B", 1}}};
constexpr std::uint64_t bytes_max = std::numeric_limits<std::int64_t>::max();

[[noreturn]] void refuse(std::string_view text)
{
    throw Error(ErrorKind::usage,
        "\"" + std::string(text) + "\" is not a number of bytes such as 512MiB, 64KiB, 1GB or 100B");
}

} // namespace

std::uint64_t parse_byte_size(std::string_view text)
{
    std::uint64_t count = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), count);
    const auto name = text.substr(static_cast<std::size_t>(end - text.data()));
    for (const auto& unit : byte_units) {
        if (failure == std::errc{} && unit.name == name && count <= bytes_max / unit.bytes) {
            return count * unit.bytes;
        }
    }
    refuse(text);
}

std::string format_byte_size(std::uint64_t bytes)
{
    for (const auto& unit : byte_units) {
        const bool binary = unit.name.ends_with("iB");
        if (binary && bytes != 0 && bytes % unit.bytes == 0) {
            return std::to_string(bytes / unit.bytes) + std::string(unit.name);
        }
    }
    return std::to_string(bytes) + "B";
}

} // namespace jobrunner
