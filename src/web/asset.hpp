#pragma once

#include <span>
#include <string_view>

namespace jobrunner {

// A file of the page, embedded into the program.
struct Asset {
    std::string_view name;
    std::string_view type; // its media type
    std::string_view hash; // of its contents, for caches
    std::string_view bytes;
};

// All of them; made by the build. They live as long as the program.
[[nodiscard]] std::span<const Asset> embedded_assets();

} // namespace jobrunner
