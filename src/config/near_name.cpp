#include "config/near_name.hpp"

#include <algorithm>

namespace jobrunner {
namespace {

// Edits that turn `a` into `b`, two swapped neighbours counting as one.
std::size_t distance(std::string_view a, std::string_view b)
{
    std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
    for (std::size_t i = 0; i <= a.size(); ++i) {
        for (std::size_t j = 0; j <= b.size(); ++j) {
            if (i == 0 || j == 0) {
                cost[i][j] = i + j;
                continue;
            }
            const std::size_t changed = a[i - 1] == b[j - 1] ? 0 : 1;
            cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + changed});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
            }
        }
    }
    return cost[a.size()][b.size()];
}

} // namespace

std::optional<std::string> near_name(std::string_view typed, const std::vector<std::string>& names)
{
    constexpr std::size_t typed_max = 64;
    std::optional<std::string> nearest;
    if (typed.size() > typed_max) {
        return nearest;
    }
    std::size_t least = (typed.size() + 2) / 3 + 1;
    for (const auto& name : names) {
        const auto edits = distance(typed, name);
        if (edits < least) {
            least = edits;
            nearest = name;
        }
    }
    return nearest;
}

} // namespace jobrunner
