#include "core/duration.hpp"

#include "core/error.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <optional>

namespace jobrunner {
namespace {

struct Unit {
    std::string_view name;
    double milliseconds;
};

constexpr std::array<Unit, 6> units{{{"w", 604'800'000.0}, {"d", 86'400'000.0}, {"h", 3'600'000.0},
    {"m", 60'000.0}, {"s", 1'000.0}, {"ms", 1.0}}};
constexpr double longest_milliseconds = 100.0 * 366 * 86'400'000.0;

[[noreturn]] void refuse(std::string_view text)
{
    throw Error(ErrorKind::usage,
        "\"" + std::string(text) + "\" is not a length of time such as 30s, 5m, 1h30m or 7d");
}

bool is_of_number(char c)
{
    return (c >= '0' && c <= '9') || c == '.';
}

std::optional<std::size_t> find_unit(std::string_view name)
{
    for (std::size_t i = 0; i < units.size(); ++i) {
        if (units[i].name == name) {
            return i;
        }
    }
    return std::nullopt;
}

// Takes the leading characters that are (or are not) part of a number off `rest`.
std::string_view take(std::string_view& rest, bool digits)
{
    std::size_t length = 0;
    while (length < rest.size() && is_of_number(rest[length]) == digits) {
        ++length;
    }
    const auto taken = rest.substr(0, length);
    rest.remove_prefix(length);
    return taken;
}

} // namespace

Milliseconds parse_duration(std::string_view text)
{
    double total = 0;
    std::size_t next_unit = 0;
    std::string_view rest = text;
    if (rest.empty()) {
        refuse(text);
    }
    while (!rest.empty()) {
        const auto number = take(rest, true);
        const auto unit = find_unit(take(rest, false));
        double value = 0;
        const auto [end, failure] = std::from_chars(number.data(), number.data() + number.size(), value);
        if (failure != std::errc{} || end != number.data() + number.size() || !unit || *unit < next_unit) {
            refuse(text);
        }
        total += value * units[*unit].milliseconds;
        next_unit = *unit + 1;
    }
    if (total > longest_milliseconds) {
        refuse(text);
    }
    return Milliseconds(std::llround(total));
}

std::string format_duration(Milliseconds length)
{
    auto rest = length.count();
    std::string text;
    for (const auto& unit : units) {
        const auto size = static_cast<std::int64_t>(unit.milliseconds);
        if (unit.name == "w" || rest < size) {
            continue; // Weeks are read but not written: 14d says more than 2w.
        }
        text += std::to_string(rest / size) + std::string(unit.name);
        rest %= size;
    }
    return text.empty() ? "0s" : text;
}

} // namespace jobrunner
