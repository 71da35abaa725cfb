#include "core/version.hpp"

#include <array>
#include <charconv>

#ifndef JOBRUNNER_VERSION
#define JOBRUNNER_VERSION "0.1.0"
#endif

namespace jobrunner {
namespace {

std::array<int, 3> parts(std::string_view text)
{
    std::array<int, 3> numbers{};
    const char* at = text.data();
    const char* const end = text.data() + text.size();
    for (int& number : numbers) {
        const auto read = std::from_chars(at, end, number);
        at = read.ptr < end ? read.ptr + 1 : end;
    }
    return numbers;
}

} // namespace

std::string_view version()
{
    return JOBRUNNER_VERSION;
}

bool is_older(std::string_view a, std::string_view b)
{
    return parts(a) < parts(b);
}

} // namespace jobrunner
