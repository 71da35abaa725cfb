#include "core/characters.hpp"

#include <array>

namespace jobrunner {
namespace {

unsigned byte_at(std::string_view text, std::size_t i)
{
    return static_cast<unsigned char>(text[i]);
}

// Length and payload bits of the character that a lead byte announces; length 0: it is no lead byte.
Character announced(unsigned lead)
{
    if (lead < 0x80U) {
        return {lead, 1};
    }
    if (lead >= 0xC2U && lead < 0xE0U) {
        return {lead & 0x1FU, 2};
    }
    if (lead >= 0xE0U && lead < 0xF0U) {
        return {lead & 0x0FU, 3};
    }
    if (lead >= 0xF0U && lead < 0xF5U) {
        return {lead & 0x07U, 4};
    }
    return {0, 0};
}

bool is_well_formed(const Character& character)
{
    constexpr std::array<char32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
    const bool surrogate = character.code >= 0xD800 && character.code <= 0xDFFF;
    return character.code >= least.at(character.length) && character.code <= 0x10FFFF && !surrogate;
}

struct CodeRange {
    char32_t first;
    char32_t last;
};

constexpr std::array<CodeRange, 9> unsafe_ranges{
    {{0x00, 0x1F}, {0x7F, 0x9F}, {0x061C, 0x061C}, {0x200E, 0x200F}, {0x2028, 0x202E}, {0x2066, 0x2069},
        {0xFEFF, 0xFEFF}, {0xFFF9, 0xFFFB}, {0xE0000, 0xE007F}}};

} // namespace

std::optional<Character> first_character(std::string_view text)
{
    Character character = announced(byte_at(text, 0));
    if (character.length == 0 || character.length > text.size()) {
        return std::nullopt;
    }
    for (std::size_t i = 1; i < character.length; ++i) {
        const unsigned next = byte_at(text, i);
        if ((next & 0xC0U) != 0x80U) {
            return std::nullopt;
        }
        character.code = (character.code << 6U) | (next & 0x3FU);
    }
    return is_well_formed(character) ? std::optional(character) : std::nullopt;
}

bool is_unsafe_to_show(char32_t code)
{
    for (const auto& range : unsafe_ranges) {
        if (code >= range.first && code <= range.last) {
            return true;
        }
    }
    return false;
}

} // namespace jobrunner
