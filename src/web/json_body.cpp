#include "web/json_body.hpp"

#include "core/error.hpp"

#include <algorithm>

namespace jobrunner {
namespace {

[[noreturn]] void refuse(std::string_view name, std::string_view expected)
{
    throw Error(ErrorKind::usage, std::string(name) + ": " + std::string(expected) + " was expected");
}

std::string scalar(std::string_view value, std::string_view name)
{
    const auto type = json_type(value);
    if (type != JsonType::string && type != JsonType::number) {
        refuse(name, "a string or a number");
    }
    return type == JsonType::string ? json_string(value) : std::string(value);
}

} // namespace

JsonBody::JsonBody(std::string_view text, std::string_view name)
{
    check_json_object(text, name);
    members_ = json_members(text);
    for (const auto& member : members_) {
        if (std::ranges::count(members_, member.name, &JsonMember::name) > 1) {
            throw Error(ErrorKind::usage, member.name + ": is there twice; once was expected");
        }
    }
}

std::optional<std::string_view> JsonBody::raw(std::string_view name)
{
    known_.emplace_back(name);
    const auto found = std::ranges::find(members_, name, &JsonMember::name);
    if (found == members_.end() || json_type(found->value) == JsonType::null) {
        return std::nullopt;
    }
    return found->value;
}

std::optional<std::string> JsonBody::text(std::string_view name)
{
    const auto value = raw(name);
    if (value && json_type(*value) != JsonType::string) {
        refuse(name, "a string");
    }
    return value ? std::optional(json_string(*value)) : std::nullopt;
}

std::string JsonBody::needed_text(std::string_view name)
{
    auto value = text(name);
    if (!value || value->empty()) {
        refuse(name, "a string that is not empty");
    }
    return std::move(*value);
}

std::optional<std::string> JsonBody::text_or_number(std::string_view name)
{
    const auto value = raw(name);
    return value ? std::optional(scalar(*value, name)) : std::nullopt;
}

bool JsonBody::flag(std::string_view name)
{
    const auto value = raw(name);
    if (value && json_type(*value) != JsonType::boolean) {
        refuse(name, "true or false");
    }
    return value == "true";
}

std::optional<std::string_view> JsonBody::object(std::string_view name)
{
    const auto value = raw(name);
    if (value && json_type(*value) != JsonType::object) {
        refuse(name, "an object");
    }
    return value;
}

std::optional<std::vector<std::string>> JsonBody::texts(std::string_view name)
{
    const auto value = raw(name);
    if (!value) {
        return std::nullopt;
    }
    if (json_type(*value) != JsonType::array) {
        refuse(name, "an array");
    }
    std::vector<std::string> found;
    for (const auto element : json_elements(*value)) {
        found.push_back(scalar(element, name));
    }
    return found;
}

void JsonBody::refuse_unknown() const
{
    for (const auto& member : members_) {
        if (std::ranges::find(known_, member.name) == known_.end()) {
            std::string expected;
            for (const auto& name : known_) {
                expected += (expected.empty() ? "" : ", ") + name;
            }
            refuse("\"" + member.name + "\" is not known here",
                expected.empty() ? "an empty object" : "one of " + expected);
        }
    }
}

} // namespace jobrunner
