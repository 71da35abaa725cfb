#include "core/job_edit.hpp"

#include "core/error.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace jobrunner {
namespace {

constexpr std::array<std::string_view, 9> editable{
    "kind", "args", "queue", "priority", "max_attempts", "timeout", "expires_at", "tags", "meta"};

} // namespace

void check_changes(std::string_view changes)
{
    const auto object = nlohmann::json::parse(changes, nullptr, false);
    if (!object.is_object()) {
        throw Error(ErrorKind::refused,
            R"(the changes are no JSON object of columns and values, such as {"priority": 5})");
    }
    for (const auto& [column, value] : object.items()) {
        if (std::find(editable.begin(), editable.end(), column) == editable.end()) {
            throw Error(ErrorKind::refused, "\"" + column + "\" is no column that can be edited");
        }
    }
}

} // namespace jobrunner
