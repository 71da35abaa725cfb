#include "client/read_number.hpp"

#include "core/error.hpp"

#include <charconv>
#include <limits>
#include <optional>
#include <string>

namespace jobrunner {
namespace {

std::optional<std::int64_t> whole_number(std::string_view text)
{
    std::int64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [stopped, failure] = std::from_chars(text.data(), end, value);
    return failure == std::errc{} && stopped == end ? std::optional(value) : std::nullopt;
}

[[noreturn]] void refuse(std::string_view text, std::string_view name, const std::string& expected)
{
    throw Error(ErrorKind::usage,
        std::string(name) + ": is \"" + std::string(text) + "\"; " + expected + " was expected");
}

} // namespace

std::int64_t read_integer(std::string_view text, std::string_view name, NumberRange range)
{
    const auto value = whole_number(text);
    if (!value || *value < range.least || *value > range.most) {
        refuse(text, name,
            "a whole number from " + std::to_string(range.least) + " to " + std::to_string(range.most));
    }
    return *value;
}

int read_int(std::string_view text, std::string_view name, NumberRange range)
{
    return static_cast<int>(read_integer(text, name, range));
}

JobId read_job_id(std::string_view text, std::string_view name)
{
    const auto value = whole_number(text);
    if (!value || *value < 1) {
        refuse(text, name, "the number of a job");
    }
    return *value;
}

} // namespace jobrunner
