#include "executor/process_check.hpp"

#include <algorithm>
#include <string_view>

namespace jobrunner {

namespace {

bool has_nul(std::string_view text)
{
    return text.find('\0') != std::string_view::npos;
}

bool is_assignment(std::string_view entry)
{
    const std::size_t equals = entry.find('=');
    return equals != 0 && equals != std::string_view::npos;
}

std::size_t bytes_of(const std::vector<std::string>& texts)
{
    std::size_t bytes = 0;
    for (const std::string& text : texts)
        bytes += text.size() + sizeof(char*) + 1;
    return bytes;
}

std::optional<std::string> find_problem_in_arguments(const std::vector<std::string>& arguments)
{
    if (arguments.empty() || arguments.front().empty())
        return "no program was given";
    const auto bad = std::find_if(arguments.begin(), arguments.end(), has_nul);
    if (bad == arguments.end())
        return std::nullopt;
    return "argument " + std::to_string(bad - arguments.begin()) + " holds a NUL byte";
}

std::optional<std::string> find_problem_in_environment(const std::vector<std::string>& environment)
{
    for (const std::string& entry : environment) {
        if (!is_assignment(entry))
            return "an entry of the environment is not NAME=value";
        if (has_nul(entry))
            return "the variable " + entry.substr(0, entry.find('=')) + " holds a NUL byte";
    }
    return std::nullopt;
}

} // namespace

std::optional<std::string> find_problem(const ProcessSpec& spec)
{
    if (auto problem = find_problem_in_arguments(spec.argv))
        return problem;
    if (auto problem = find_problem_in_environment(spec.environment))
        return problem;
    if (has_nul(spec.directory))
        return "the directory holds a NUL byte";
    if (bytes_of(spec.argv) + bytes_of(spec.environment) + spec.stdin_data.size() > process_spec_bytes_max)
        return "arguments, environment and standard input are over " +
            std::to_string(process_spec_bytes_max) + " bytes";
    return std::nullopt;
}

void limit_values(ProcessSpec& spec)
{
    constexpr std::chrono::milliseconds none{0};
    if (spec.timeout)
        spec.timeout = std::clamp(*spec.timeout, none, process_duration_max);
    spec.grace = std::clamp(spec.grace, none, process_duration_max);
    spec.live_after = std::clamp(spec.live_after, none, process_duration_max);
    spec.output_bytes_max = std::min(spec.output_bytes_max, process_output_bytes_max);
}

} // namespace jobrunner
