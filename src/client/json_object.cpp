#include "client/json_object.hpp"

#include "core/characters.hpp"
#include "core/json_text.hpp"

#include <array>
#include <cstdio>

namespace jobrunner {
namespace {

void append_unit(std::string& out, unsigned unit)
{
    std::array<char, 8> escape{};
    std::snprintf(escape.data(), escape.size(), "\\u%04x", unit & 0xFFFFU);
    out += escape.data();
}

void append_escape(std::string& out, char32_t code)
{
    if (code < 0x10000) {
        append_unit(out, static_cast<unsigned>(code));
    } else {
        append_unit(out, static_cast<unsigned>(0xD800 + ((code - 0x10000) >> 10U)));
        append_unit(out, static_cast<unsigned>(0xDC00 + ((code - 0x10000) & 0x3FFU)));
    }
}

} // namespace

std::string json_shown_string(std::string_view text)
{
    std::string out = "\"";
    while (!text.empty()) {
        const auto character = first_character(text);
        if (!character) {
            out += "\xEF\xBF\xBD";
        } else if (is_unsafe_to_show(character->code)) {
            append_escape(out, character->code);
        } else {
            out += character->code == '"' || character->code == '\\' ? "\\" : "";
            out += text.substr(0, character->length);
        }
        text.remove_prefix(character ? character->length : 1);
    }
    return out + "\"";
}

std::string json_shown(std::string_view json)
{
    if (!is_storable_json(json)) {
        return json_shown_string(json);
    }
    std::string out;
    while (!json.empty()) {
        // Controls below 0x20 stand between values only, others within strings only.
        const auto character = first_character(json);
        const std::size_t length = character ? character->length : 1;
        if (character && character->code < 0x20) {
            out += ' ';
        } else if (character && is_unsafe_to_show(character->code)) {
            append_escape(out, character->code);
        } else {
            out += json.substr(0, length);
        }
        json.remove_prefix(length);
    }
    return out;
}

JsonObject& JsonObject::maybe_text(std::string_view name, const std::optional<std::string>& value)
{
    return raw(name, value ? json_shown_string(*value) : "null");
}

JsonObject& JsonObject::number(std::string_view name, std::optional<std::int64_t> value)
{
    return raw(name, value ? std::to_string(*value) : "null");
}

JsonObject& JsonObject::id(std::string_view name, std::optional<std::int64_t> value)
{
    if (value && ids_ == JsonIds::texts) {
        return raw(name, '"' + std::to_string(*value) + '"');
    }
    return number(name, value);
}

JsonObject& JsonObject::texts(std::string_view name, const std::vector<std::string>& values)
{
    std::string list = "[";
    for (const auto& value : values) {
        list += list.size() > 1 ? "," : "";
        list += json_shown_string(value);
    }
    return raw(name, list + "]");
}

JsonObject& JsonObject::json(std::string_view name, const std::optional<std::string>& value)
{
    return raw(name, value ? json_shown(*value) : "null");
}

JsonObject& JsonObject::raw(std::string_view name, std::string_view value)
{
    if (body_.size() > 1) {
        body_ += ',';
    }
    body_ += '"';
    body_ += name;
    body_ += "\":";
    body_ += value;
    return *this;
}

} // namespace jobrunner
