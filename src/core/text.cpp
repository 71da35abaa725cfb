#include "core/text.hpp"

#include "core/characters.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <optional>

namespace jobrunner {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";

bool is_continuation(char c)
{
    return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

// Length of the character at the start of `text` if every database takes it, else 0.
std::size_t character_length(std::string_view text)
{
    const auto character = first_character(text);
    return character && character->code != 0 ? character->length : 0;
}

// The code unit of a \uXXXX escape at the start of `text`.
std::optional<unsigned> escaped_unit(std::string_view text)
{
    if (text.size() < 6 || text[0] != '\\' || text[1] != 'u') {
        return std::nullopt;
    }
    unsigned unit = 0;
    for (const char c : text.substr(2, 4)) {
        const int digit = c >= '0' && c <= '9' ? c - '0'
            : c >= 'a' && c <= 'f'             ? c - 'a' + 10
            : c >= 'A' && c <= 'F'             ? c - 'A' + 10
                                               : -1;
        if (digit < 0) {
            return std::nullopt;
        }
        unit = unit * 16 + static_cast<unsigned>(digit);
    }
    return unit;
}

bool is_high(unsigned unit)
{
    return unit >= 0xD800U && unit <= 0xDBFFU;
}

bool is_low(unsigned unit)
{
    return unit >= 0xDC00U && unit <= 0xDFFFU;
}

// Copies one escape of a JSON string and returns its length.
std::size_t copy_escape(std::string_view rest, std::string& out)
{
    const auto unit = escaped_unit(rest);
    if (!unit) {
        out += rest.substr(0, 2);
        return std::min<std::size_t>(rest.size(), 2);
    }
    const auto next = escaped_unit(rest.substr(6));
    if (is_high(*unit) && next && is_low(*next)) {
        out += rest.substr(0, 12);
        return 12;
    }
    if (*unit == 0 || is_high(*unit) || is_low(*unit)) {
        out += "\\ufffd";
    } else {
        out += rest.substr(0, 6);
    }
    return 6;
}

} // namespace

std::string scrub_text(std::string_view bytes)
{
    std::string out;
    out.reserve(bytes.size());
    while (!bytes.empty()) {
        const std::size_t length = character_length(bytes);
        if (length == 0) {
            out += replacement;
            bytes.remove_prefix(1);
        } else {
            out += bytes.substr(0, length);
            bytes.remove_prefix(length);
        }
    }
    return out;
}

std::string scrub_json(std::string_view json)
{
    const std::string text = scrub_text(json);
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size();) {
        if (text[i] == '\\') {
            i += copy_escape(std::string_view(text).substr(i), out);
        } else {
            out += text[i++];
        }
    }
    return out;
}

std::string_view tail_of(std::string_view text, std::size_t bytes_max)
{
    if (text.size() <= bytes_max) {
        return text;
    }
    std::string_view tail = text.substr(text.size() - bytes_max);
    while (!tail.empty() && is_continuation(tail.front())) {
        tail.remove_prefix(1);
    }
    return tail;
}

std::string_view head_of(std::string_view text, std::size_t bytes_max)
{
    std::size_t size = std::min(text.size(), bytes_max);
    while (size < text.size() && size > 0 && is_continuation(text[size])) {
        --size;
    }
    return text.substr(0, size);
}

std::string_view last_line_of(std::string_view text)
{
    const auto end = text.find_last_not_of(" \t\r\n");
    if (end == std::string_view::npos) {
        return {};
    }
    const auto before = text.find_last_of('\n', end);
    const auto begin = before == std::string_view::npos ? 0 : before + 1;
    return text.substr(begin, end - begin + 1);
}

std::string lower_ascii(std::string_view text)
{
    std::string lower(text);
    for (char& c : lower) {
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return lower;
}

std::string json_quote(std::string_view text)
{
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (static_cast<unsigned char>(c) < 0x20U) {
            std::array<char, 8> escape{};
            std::snprintf(escape.data(), escape.size(), "\\u%04x", static_cast<unsigned>(c));
            out += escape.data();
        } else {
            out += c;
        }
    }
    return out + "\"";
}

} // namespace jobrunner
