#pragma once

#include "core/json_text.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jobrunner {

// The members of a JSON object that somebody sent. Each method asks for one; null counts as absent. All throw
// Error{usage} that begins with the member's name. Holds slices of the text, which must outlive it.
class JsonBody {
public:
    // `name` is for messages about the whole.
    JsonBody(std::string_view text, std::string_view name);

    [[nodiscard]] std::optional<std::string_view> raw(std::string_view name);
    [[nodiscard]] std::optional<std::string> text(std::string_view name);
    [[nodiscard]] std::string needed_text(std::string_view name);
    // A string or a number, as it is written.
    [[nodiscard]] std::optional<std::string> text_or_number(std::string_view name);
    [[nodiscard]] bool flag(std::string_view name);
    [[nodiscard]] std::optional<std::string_view> object(std::string_view name);
    // An array of strings or numbers.
    [[nodiscard]] std::optional<std::vector<std::string>> texts(std::string_view name);
    // Refuses members that nobody asked for.
    void refuse_unknown() const;

private:
    std::vector<JsonMember> members_;
    std::vector<std::string> known_;
};

} // namespace jobrunner
