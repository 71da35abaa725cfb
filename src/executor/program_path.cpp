#include "executor/program_path.hpp"

#include "executor/process.hpp"

namespace jobrunner {

std::string_view search_path(const std::vector<std::string>& environment)
{
    constexpr std::string_view name = "PATH=";
    for (const std::string_view entry : environment)
        if (entry.starts_with(name))
            return entry.substr(name.size());
    return default_search_path;
}

std::vector<std::string> program_paths(std::string_view name, const std::vector<std::string>& environment)
{
    if (name.find('/') != std::string_view::npos)
        return {std::string(name)};

    std::vector<std::string> paths;
    std::string_view folders = search_path(environment);
    for (bool more = true; more;) {
        const std::size_t colon = folders.find(':');
        const std::string_view folder = folders.substr(0, colon);
        paths.push_back(std::string(folder.empty() ? "." : folder) + "/" + std::string(name));
        more = colon != std::string_view::npos;
        folders.remove_prefix(more ? colon + 1 : folders.size());
    }
    return paths;
}

} // namespace jobrunner
