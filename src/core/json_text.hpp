#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace jobrunner {

// JSON taken apart without being changed: values stay slices of the text, so that numbers keep every digit.

enum class JsonType { object, array, string, number, boolean, null };

struct JsonMember {
    std::string name;
    std::string_view value;
};

// Checks that `text` is one JSON value that both databases can keep: strict JSON, nested at most 500 deep, without
// \u0000 and halves of surrogate pairs. Throws Error{usage} that says where it is wrong, starting with `name`.
void check_json(std::string_view text, std::string_view name);
// The same, and the value must be an object.
void check_json_object(std::string_view text, std::string_view name);
[[nodiscard]] bool is_storable_json(std::string_view text);

// These expect text that check_json has accepted.
[[nodiscard]] JsonType json_type(std::string_view text);
[[nodiscard]] std::vector<JsonMember> json_members(std::string_view object);
[[nodiscard]] std::vector<std::string_view> json_elements(std::string_view array);
[[nodiscard]] std::string json_string(std::string_view string); // decoded

} // namespace jobrunner
