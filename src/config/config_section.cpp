#include "config/config_section.hpp"

#include "config/byte_size.hpp"
#include "config/near_name.hpp"
#include "core/error.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <sstream>

namespace jobrunner {
namespace {

std::string_view type_name(const toml::node& node)
{
    switch (node.type()) {
    case toml::node_type::table:
        return "a table";
    case toml::node_type::array:
        return "an array";
    case toml::node_type::string:
        return "a string";
    case toml::node_type::integer:
        return "a whole number";
    case toml::node_type::floating_point:
        return "a number";
    case toml::node_type::boolean:
        return "a boolean";
    default:
        return "a date or time";
    }
}

std::string number_text(double number)
{
    std::array<char, 32> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    return {digits.data(), end};
}

// What a message shows of a wrong value: scalars as they are, else their type.
std::string shown(const toml::node& node)
{
    constexpr std::size_t shown_max = 80;
    if (const auto* text = node.as_string()) {
        return text->get().size() <= shown_max ? "\"" + text->get() + "\"" : "a long string";
    }
    if (const auto* integer = node.as_integer()) {
        return std::to_string(integer->get());
    }
    if (const auto* number = node.as_floating_point()) {
        return number_text(number->get());
    }
    if (const auto* flag = node.as_boolean()) {
        return flag->get() ? "true" : "false";
    }
    return std::string(type_name(node));
}

bool is_bare_key(std::string_view key)
{
    return !key.empty() && std::ranges::all_of(key, [](unsigned char c) {
        return c < 0x80 && (std::isalnum(c) != 0 || c == '_' || c == '-');
    });
}

template <typename T>
bool is_within(const T& value, const ConfigRange<T>& range)
{
    return value >= range.least && value <= range.most; // False for NaN.
}

// The length of time or number of bytes that a string spells, or nothing.
template <typename Parse>
auto parsed(const toml::node& node, Parse parse) -> std::optional<decltype(parse(std::string_view{}))>
{
    const auto* text = node.as_string();
    if (text == nullptr) {
        return std::nullopt;
    }
    try {
        return parse(std::string_view(text->get()));
    } catch (const Error&) {
        return std::nullopt; // The caller's message says more: the key and the range.
    }
}

std::string expected_duration(const ConfigRange<Milliseconds>& range)
{
    return "a length of time such as \"30s\", from " + format_duration(range.least) + " to " +
        format_duration(range.most) + ",";
}

} // namespace

const toml::node* ConfigSection::find(std::string_view key)
{
    known_.emplace_back(key);
    return table_->get(key);
}

std::string ConfigSection::key_path(std::string_view key) const
{
    std::string path = path_.empty() ? "" : path_ + ".";
    if (is_bare_key(key)) {
        return path.append(key);
    }
    return path.append(1, '"').append(key).append(1, '"');
}

void ConfigSection::wrong(std::string_view key, const toml::node& node, const std::string& expected)
{
    problems_->add(
        node.source().begin.line, key_path(key), "is " + shown(node) + "; " + expected + " was expected");
}

std::optional<bool> ConfigSection::flag(std::string_view key)
{
    const auto* node = find(key);
    if (node == nullptr) {
        return std::nullopt;
    }
    if (const auto* value = node->as_boolean()) {
        return value->get();
    }
    wrong(key, *node, "true or false");
    return std::nullopt;
}

std::optional<int> ConfigSection::integer(std::string_view key, ConfigRange<int> range)
{
    const auto* node = find(key);
    if (node == nullptr) {
        return std::nullopt;
    }
    const auto* value = node->as_integer();
    if (value != nullptr && is_within<std::int64_t>(value->get(), {range.least, range.most})) {
        return static_cast<int>(value->get());
    }
    wrong(key, *node,
        "a whole number from " + std::to_string(range.least) + " to " + std::to_string(range.most));
    return std::nullopt;
}

std::optional<double> ConfigSection::number(std::string_view key, ConfigRange<double> range)
{
    const auto* node = find(key);
    if (node == nullptr) {
        return std::nullopt;
    }
    const auto value = node->is_number() ? node->value<double>() : std::nullopt;
    if (value && is_within(*value, range)) {
        return value;
    }
    wrong(key, *node, "a number from " + number_text(range.least) + " to " + number_text(range.most));
    return std::nullopt;
}

std::optional<Milliseconds> ConfigSection::duration(std::string_view key, ConfigRange<Milliseconds> range)
{
    const auto* node = find(key);
    if (node == nullptr) {
        return std::nullopt;
    }
    const auto value = parsed(*node, parse_duration);
    if (value && is_within(*value, range)) {
        return value;
    }
    wrong(key, *node, expected_duration(range));
    return std::nullopt;
}

std::optional<std::optional<Milliseconds>> ConfigSection::duration_or(
    std::string_view key, std::string_view word, ConfigRange<Milliseconds> range)
{
    const auto* node = find(key);
    if (node == nullptr) {
        return std::nullopt;
    }
    if (node->is_string() && node->as_string()->get() == word) {
        return std::optional<Milliseconds>{};
    }
    const auto value = parsed(*node, parse_duration);
    if (value && is_within(*value, range)) {
        return value;
    }
    wrong(key, *node, expected_duration(range) + " or \"" + std::string(word) + "\"");
    return std::nullopt;
}

std::optional<std::uint64_t> ConfigSection::byte_size(std::string_view key, ConfigRange<std::uint64_t> range)
{
    const auto* node = find(key);
    if (node == nullptr) {
        return std::nullopt;
    }
    const auto value = parsed(*node, parse_byte_size);
    if (value && is_within(*value, range)) {
        return value;
    }
    wrong(key, *node,
        "a number of bytes such as \"64KiB\", from " + format_byte_size(range.least) + " to " +
            format_byte_size(range.most) + ",");
    return std::nullopt;
}

std::optional<std::string> ConfigSection::string_of(
    const toml::node& node, const std::string& path, std::string_view expected)
{
    const auto line = node.source().begin.line;
    const auto* text = node.as_string();
    if (text == nullptr) {
        // By its type alone: the value may be a secret.
        problems_->add(line, path,
            "is " + std::string(type_name(node)) + "; " + std::string(expected) + " was expected");
        return std::nullopt;
    }
    if (text->get().find('\0') != std::string::npos) {
        problems_->add(line, path, "holds a NUL character; text without one was expected");
        return std::nullopt;
    }
    return text->get();
}

std::optional<std::string> ConfigSection::text(std::string_view key, std::string_view expected)
{
    const auto* node = find(key);
    auto value = node == nullptr ? std::nullopt : string_of(*node, key_path(key), expected);
    if (value && value->empty()) {
        wrong(key, *node, std::string(expected));
        return std::nullopt;
    }
    return value;
}

std::optional<std::string> ConfigSection::name(std::string_view key)
{
    auto value = text(key, config_name_expected);
    if (value && !is_config_name(*value)) {
        problem(key, "is not printable or too long; " + std::string(config_name_expected) + " was expected");
        return std::nullopt;
    }
    return value;
}

std::optional<std::string> ConfigSection::choice(
    std::string_view key, std::initializer_list<std::string_view> choices)
{
    std::string expected;
    for (const auto choice : choices) {
        expected += (expected.empty() ? "\"" : ", \"") + std::string(choice) + "\"";
    }
    auto value = text(key, "one of " + expected);
    if (value && std::ranges::find(choices, *value) == choices.end()) {
        wrong(key, *table_->get(key), "one of " + expected);
        return std::nullopt;
    }
    return value;
}

std::optional<std::vector<ConfigText>> ConfigSection::texts(std::string_view key, std::string_view expected)
{
    const auto* node = find(key);
    if (node == nullptr) {
        return std::nullopt;
    }
    if (!node->is_array()) {
        wrong(key, *node, std::string(expected));
        return std::nullopt;
    }
    std::vector<ConfigText> found;
    std::size_t index = 0;
    for (const auto& element : *node->as_array()) {
        const auto path = key_path(key) + "[" + std::to_string(index++) + "]";
        if (auto value = string_of(element, path, "a string")) {
            found.push_back({std::move(*value), element.source().begin.line, path});
        }
    }
    return found;
}

std::vector<std::pair<std::string, ConfigText>> ConfigSection::texts_by_name(std::string_view key)
{
    std::vector<std::pair<std::string, ConfigText>> found;
    auto inner = section(key);
    if (!inner) {
        return found;
    }
    for (const auto& [name, node] : *inner->table_) {
        const auto path = inner->key_path(name.str());
        if (auto value = string_of(node, path, "a string")) {
            found.emplace_back(name.str(), ConfigText{std::move(*value), node.source().begin.line, path});
        }
    }
    return found;
}

std::optional<std::string> ConfigSection::json(std::string_view key, std::string_view expected)
{
    const auto* node = find(key);
    if (node == nullptr) {
        return std::nullopt;
    }
    if (const auto* table = node->as_table()) {
        std::ostringstream text;
        text << toml::json_formatter(
            *table, toml::json_formatter::default_flags & ~toml::format_flags::indentation);
        return text.str();
    }
    wrong(key, *node, std::string(expected));
    return std::nullopt;
}

std::optional<ConfigSection> ConfigSection::section(std::string_view key)
{
    const auto* node = find(key);
    if (node == nullptr) {
        return std::nullopt;
    }
    if (const auto* table = node->as_table()) {
        return ConfigSection(*table, key_path(key), *problems_);
    }
    wrong(key, *node, "a table");
    return std::nullopt;
}

std::vector<ConfigSection> ConfigSection::tables(std::string_view key, std::string_view expected)
{
    std::vector<ConfigSection> found;
    const auto* node = find(key);
    if (node == nullptr) {
        return found;
    }
    if (!node->is_array()) {
        // By its type alone: a value may be a secret.
        problems_->add(node->source().begin.line, key_path(key),
            "is " + std::string(type_name(*node)) + "; " + std::string(expected) + " was expected");
        return found;
    }
    std::size_t index = 0;
    for (const auto& element : *node->as_array()) {
        const auto path = key_path(key) + "[" + std::to_string(index++) + "]";
        if (const auto* table = element.as_table()) {
            found.emplace_back(*table, path, *problems_);
        } else {
            problems_->add(element.source().begin.line, path,
                "is " + std::string(type_name(element)) + "; a table was expected");
        }
    }
    return found;
}

std::vector<std::pair<std::string, ConfigSection>> ConfigSection::sections()
{
    std::vector<std::pair<std::string, ConfigSection>> found;
    for (const auto& [key, node] : *table_) {
        if (auto inner = section(key.str())) {
            found.emplace_back(key.str(), std::move(*inner));
        }
    }
    return found;
}

void ConfigSection::refuse_unknown()
{
    for (const auto& [key, node] : *table_) {
        if (std::ranges::find(known_, key.str()) != known_.end()) {
            continue;
        }
        const auto near = near_name(key.str(), known_);
        problems_->add(key.source().begin.line, key_path(key.str()),
            "is no known key" + (near ? "; did you mean " + *near + "?" : std::string()));
    }
}

void ConfigSection::problem(std::string_view key, const std::string& what)
{
    const auto* node = table_->get(key);
    const auto& place = node == nullptr ? *table_ : *node;
    problems_->add(place.source().begin.line, node == nullptr ? path_ : key_path(key), what);
}

bool is_config_name(std::string_view name)
{
    constexpr std::size_t characters_max = 128;
    std::size_t characters = 0;
    for (std::size_t i = 0; i < name.size(); ++i) {
        const auto c = static_cast<unsigned char>(name[i]);
        // U+0080 to U+009F are control characters as well: C2 80 to C2 9F in UTF-8.
        const bool high_control =
            c == 0xC2 && i + 1 < name.size() && static_cast<unsigned char>(name[i + 1]) < 0xA0;
        if (c < 0x20 || c == 0x7F || high_control) {
            return false;
        }
        characters += (c & 0xC0) != 0x80 ? 1 : 0;
    }
    return characters >= 1 && characters <= characters_max;
}

} // namespace jobrunner
