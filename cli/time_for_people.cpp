#include "cli/time_for_people.hpp"

#include <array>
#include <cstdio>
#include <ctime>

namespace jobrunner {

using namespace std::chrono;

namespace {

// The instant in the local time zone, and how far away it is.
std::string time_text(TimePoint now, const std::optional<Instant>& instant, const char* format)
{
    const auto time = instant ? to_time_point(*instant) : std::nullopt;
    if (!time) {
        return instant.value_or("");
    }
    const std::time_t since_epoch = floor<seconds>(*time).time_since_epoch().count();
    std::tm parts{};
    std::array<char, 32> text{};
    if (localtime_r(&since_epoch, &parts) == nullptr ||
        std::strftime(text.data(), text.size(), format, &parts) == 0) {
        return *instant;
    }
    return std::string(text.data()) + " (" + relative_to(now, *instant) + ")";
}

} // namespace

std::string rough_length(Milliseconds length)
{
    if (length < 1s) {
        return std::to_string(length.count()) + "ms";
    }
    if (length < 10s) {
        const auto tenths = length.count() / 100;
        const auto tail = tenths % 10 == 0 ? "" : "." + std::to_string(tenths % 10);
        return std::to_string(tenths / 10) + tail + "s";
    }
    if (length < 1min) {
        return std::to_string(duration_cast<seconds>(length).count()) + "s";
    }
    if (length < 1h) {
        return std::to_string(duration_cast<minutes>(length).count()) + "m";
    }
    if (length < 48h) {
        return std::to_string(duration_cast<hours>(length).count()) + "h";
    }
    return std::to_string(duration_cast<days>(length).count()) + "d";
}

std::string relative_to(TimePoint now, const Instant& instant)
{
    const auto time = to_time_point(instant);
    if (!time) {
        return {};
    }
    const auto distance = round<seconds>(now - *time);
    if (abs(distance) < 1s) {
        return "now";
    }
    return distance > 0s ? rough_length(distance) + " ago" : "in " + rough_length(-distance);
}

std::string local_time(TimePoint now, const std::optional<Instant>& instant)
{
    return time_text(now, instant, "%Y-%m-%d %H:%M:%S");
}

std::string short_time(TimePoint now, const std::optional<Instant>& instant)
{
    const auto time = instant ? to_time_point(*instant) : std::nullopt;
    const bool near = time && abs(now - *time) < 24h;
    return time_text(now, instant, near ? "%H:%M:%S" : "%Y-%m-%d");
}

std::string rough_bytes(std::int64_t bytes)
{
    constexpr std::array<const char*, 5> units{"B", "KiB", "MiB", "GiB", "TiB"};
    std::size_t unit = 0;
    for (; bytes >= 10 * 1024 && unit + 1 < units.size(); ++unit) {
        bytes /= 1024;
    }
    return std::to_string(bytes) + " " + units.at(unit);
}

} // namespace jobrunner
