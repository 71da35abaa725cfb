#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jobrunner {

// `text` as a JSON string that is safe to print on a terminal: what is_unsafe_to_show() names is escaped, bytes
// that are no UTF-8 become U+FFFD.
[[nodiscard]] std::string json_shown_string(std::string_view text);

// JSON as a database gave it, for embedding into one line: the same value with the same digits, without line breaks
// and with unsafe characters escaped. Text that is no JSON comes out as a string.
[[nodiscard]] std::string json_shown(std::string_view json);

// How 64-bit ids are written: as numbers, or as strings for readers whose numbers are doubles.
enum class JsonIds { numbers, texts };

// Writes one JSON object on one line, member by member. Numbers are written in full: 64-bit ids keep all digits.
// An unset optional becomes null, so that every object of a kind has the same members.
class JsonObject {
public:
    JsonObject() = default;
    explicit JsonObject(JsonIds ids) : ids_(ids) {}

    JsonObject& text(std::string_view name, std::string_view value)
    {
        return raw(name, json_shown_string(value));
    }
    JsonObject& maybe_text(std::string_view name, const std::optional<std::string>& value);
    JsonObject& number(std::string_view name, std::optional<std::int64_t> value);
    JsonObject& id(std::string_view name, std::optional<std::int64_t> value);
    JsonObject& flag(std::string_view name, bool value) { return raw(name, value ? "true" : "false"); }
    JsonObject& texts(std::string_view name, const std::vector<std::string>& values);
    // JSON from a database, see json_shown().
    JsonObject& json(std::string_view name, const std::optional<std::string>& value);
    // JSON of our own, put in as it is.
    JsonObject& raw(std::string_view name, std::string_view value);

    [[nodiscard]] std::string str() const { return body_ + "}"; }

private:
    JsonIds ids_ = JsonIds::numbers;
    std::string body_ = "{";
};

} // namespace jobrunner
