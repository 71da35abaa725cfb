#include "core/text.hpp"

#include <nlohmann/json.hpp>

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

// Length of the well-formed character at the start of `text`, 0 if there is none (Unicode 15, table 3-7).
std::size_t character_length(std::string_view text)
{
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char lead = byte(0);
    if (lead < 0x80U) {
        return lead == 0 ? 0 : 1;
    }
    const std::size_t length = lead >= 0xF0U ? 4 : lead >= 0xE0U ? 3 : 2;
    if (lead < 0xC2U || lead > 0xF4U || text.size() < length) {
        return 0;
    }
    for (std::size_t i = 1; i < length; ++i) {
        if (!is_continuation(text[i])) {
            return 0;
        }
    }
    const bool overlong = (lead == 0xE0U && byte(1) < 0xA0U) || (lead == 0xF0U && byte(1) < 0x90U);
    const bool surrogate = lead == 0xEDU && byte(1) > 0x9FU;
    const bool too_large = lead == 0xF4U && byte(1) > 0x8FU;
    return overlong || surrogate || too_large ? 0 : length;
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

bool is_json(std::string_view text)
{
    return nlohmann::json::accept(text);
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
