#include "config/config_problems.hpp"

#include "core/error.hpp"

#include <algorithm>

namespace jobrunner {

void ConfigProblems::add(std::size_t line, const std::string& key, const std::string& what)
{
    const auto place = line == 0 ? file_ : file_ + ":" + std::to_string(line);
    problems_.push_back({line, place + ": " + (key.empty() ? "" : key + ": ") + what});
}

void ConfigProblems::throw_if_any() const
{
    if (problems_.empty()) {
        return;
    }
    auto sorted = problems_;
    std::ranges::stable_sort(sorted, {}, &Problem::line);
    std::string message;
    for (const auto& problem : sorted) {
        message += (message.empty() ? "" : "\n") + problem.text;
    }
    throw Error(ErrorKind::usage, message);
}

} // namespace jobrunner
