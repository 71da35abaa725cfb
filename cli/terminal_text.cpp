#include "cli/terminal_text.hpp"

#include "core/characters.hpp"

#include <array>
#include <cstdio>

namespace jobrunner {
namespace {

struct CodeRange {
    char32_t first;
    char32_t last;
};

// East Asian wide and fullwidth characters, and emoji.
constexpr std::array<CodeRange, 15> wide_ranges{
    {{0x1100, 0x115F}, {0x2E80, 0x303E}, {0x3041, 0x33FF}, {0x3400, 0x4DBF}, {0x4E00, 0x9FFF},
        {0xA000, 0xA4CF}, {0xAC00, 0xD7A3}, {0xF900, 0xFAFF}, {0xFE30, 0xFE6F}, {0xFF00, 0xFF60},
        {0xFFE0, 0xFFE6}, {0x1F300, 0x1F64F}, {0x1F680, 0x1F6FF}, {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD}}};

// Combining marks, joiners and variation selectors.
constexpr std::array<CodeRange, 6> narrow_ranges{{{0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD},
    {0x200B, 0x200D}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}}};

template <std::size_t Size>
bool is_in(const std::array<CodeRange, Size>& ranges, char32_t code)
{
    for (const auto& range : ranges) {
        if (code >= range.first && code <= range.last) {
            return true;
        }
    }
    return false;
}

std::size_t width_of(char32_t code)
{
    if (code < 0x300) {
        return 1;
    }
    return is_in(narrow_ranges, code) ? 0 : is_in(wide_ranges, code) ? 2 : 1;
}

std::string escape(const char* format, unsigned code)
{
    std::array<char, 16> text{};
    std::snprintf(text.data(), text.size(), format, code);
    return text.data();
}

std::string escaped(char32_t code)
{
    switch (code) {
    case '\n':
        return "\\n";
    case '\t':
        return "\\t";
    case '\r':
        return "\\r";
    default:
        break;
    }
    const auto number = static_cast<unsigned>(code);
    return escape(number < 0x80 ? "\\x%02x" : number < 0x10000 ? "\\u%04x" : "\\U%08x", number);
}

// What the beginning of `rest` looks like; advances it.
std::string take_shown(std::string_view& rest, bool lines_stay)
{
    const auto character = first_character(rest);
    if (!character) {
        const auto byte = static_cast<unsigned char>(rest.front());
        rest.remove_prefix(1);
        return escape("\\x%02x", byte);
    }
    const auto bytes = rest.substr(0, character->length);
    rest.remove_prefix(character->length);
    const bool stays = lines_stay && (character->code == '\n' || character->code == '\t');
    if (lines_stay && character->code == '\r' && rest.starts_with('\n')) {
        return {};
    }
    return stays || !is_unsafe_to_show(character->code) ? std::string(bytes) : escaped(character->code);
}

std::string all_shown(std::string_view text, bool lines_stay)
{
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        out += take_shown(text, lines_stay);
    }
    return out;
}

} // namespace

std::string shown(std::string_view text)
{
    return all_shown(text, false);
}

std::string shown_lines(std::string_view text)
{
    return all_shown(text, true);
}

std::size_t display_width(std::string_view text)
{
    std::size_t width = 0;
    while (!text.empty()) {
        const auto character = first_character(text);
        width += character ? width_of(character->code) : 1;
        text.remove_prefix(character ? character->length : 1);
    }
    return width;
}

std::string cut_to_width(std::string_view text, std::size_t width)
{
    if (display_width(text) <= width) {
        return std::string(text);
    }
    std::size_t used = 0;
    std::size_t bytes = 0;
    while (bytes < text.size()) {
        const auto character = first_character(text.substr(bytes));
        const std::size_t wide = character ? width_of(character->code) : 1;
        if (used + wide + 1 > width) {
            break;
        }
        used += wide;
        bytes += character ? character->length : 1;
    }
    return width == 0 ? "" : std::string(text.substr(0, bytes)) + "…";
}

std::string joined(const std::vector<std::string>& words)
{
    std::string text;
    for (const auto& word : words) {
        text += text.empty() ? "" : ", ";
        text += word;
    }
    return text;
}

} // namespace jobrunner
