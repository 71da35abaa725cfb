#include "core/json_text.hpp"

#include "core/characters.hpp"
#include "core/error.hpp"

#include <algorithm>
#include <functional>

namespace jobrunner {
namespace {

constexpr int depth_max = 500;

struct JsonFault {
    std::size_t at;
    std::string what;
};

void append_utf8(std::string& out, char32_t code)
{
    const auto byte = [&](char32_t bits) { out += static_cast<char>(static_cast<unsigned char>(bits)); };
    if (code < 0x80) {
        byte(code);
    } else if (code < 0x800) {
        byte(0xC0 | (code >> 6U));
        byte(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        byte(0xE0 | (code >> 12U));
        byte(0x80 | ((code >> 6U) & 0x3F));
        byte(0x80 | (code & 0x3F));
    } else {
        byte(0xF0 | (code >> 18U));
        byte(0x80 | ((code >> 12U) & 0x3F));
        byte(0x80 | ((code >> 6U) & 0x3F));
        byte(0x80 | (code & 0x3F));
    }
}

// Walks through a text from left to right; throws JsonFault where it is no JSON.
class JsonScanner {
public:
    using MemberSeen = std::function<void(std::string name, std::string_view value)>;
    using ElementSeen = std::function<void(std::string_view value)>;

    explicit JsonScanner(std::string_view text) : text_(text) {}

    void whole_value()
    {
        value();
        if (at_ < text_.size()) {
            fail("the end was expected here");
        }
    }

    // A value and the space around it. Returns the value alone.
    std::string_view value()
    {
        skip_space();
        const std::size_t begin = at_;
        switch (peek()) {
        case '{':
            object({});
            break;
        case '[':
            array({});
            break;
        case '"':
            string();
            break;
        case 't':
            word("true");
            break;
        case 'f':
            word("false");
            break;
        case 'n':
            word("null");
            break;
        default:
            number();
        }
        const auto slice = text_.substr(begin, at_ - begin);
        skip_space();
        return slice;
    }

    void object(const MemberSeen& seen)
    {
        enter();
        while (peek() != '}') {
            if (peek() != '"') {
                fail("a member's name in double quotes was expected here");
            }
            std::string name = string();
            skip_space();
            expect(':', "a colon was expected here");
            const auto member = value();
            if (seen) {
                seen(std::move(name), member);
            }
            separator('}', "a comma or } was expected here");
        }
        leave();
    }

    void array(const ElementSeen& seen)
    {
        enter();
        while (peek() != ']') {
            const auto element = value();
            if (seen) {
                seen(element);
            }
            separator(']', "a comma or ] was expected here");
        }
        leave();
    }

    std::string string()
    {
        std::string decoded;
        ++at_;
        while (peek() != '"') {
            if (at_ == text_.size()) {
                fail("a string is not closed");
            }
            if (peek() == '\\') {
                escape(decoded);
            } else {
                plain_character(decoded);
            }
        }
        ++at_;
        return decoded;
    }

    void skip_space()
    {
        while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) {
            ++at_;
        }
    }

private:
    [[noreturn]] void fail(std::string what) const { throw JsonFault{at_, std::move(what)}; }

    [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

    void expect(char c, const char* what)
    {
        if (peek() != c || at_ == text_.size()) {
            fail(what);
        }
        ++at_;
    }

    void enter()
    {
        if (++depth_ > depth_max) {
            fail("it nests deeper than " + std::to_string(depth_max));
        }
        ++at_;
        skip_space();
    }

    void leave()
    {
        ++at_;
        --depth_;
    }

    // Between two members or elements, or before the end.
    void separator(char end, const char* what)
    {
        if (peek() == end) {
            return;
        }
        expect(',', what);
        skip_space();
        if (peek() == end) {
            fail("a value was expected after the comma");
        }
    }

    void word(std::string_view expected)
    {
        if (!text_.substr(at_).starts_with(expected)) {
            fail("a JSON value was expected here");
        }
        at_ += expected.size();
    }

    void digits()
    {
        const std::size_t begin = at_;
        while (peek() >= '0' && peek() <= '9') {
            ++at_;
        }
        if (at_ == begin) {
            fail("a digit was expected here");
        }
    }

    void number()
    {
        const bool negative = peek() == '-';
        at_ += negative ? 1 : 0;
        if (!negative && (peek() < '0' || peek() > '9')) {
            fail(at_ == text_.size() ? "it ends where a JSON value was expected"
                                     : "a JSON value was expected here");
        }
        if (peek() == '0') {
            ++at_;
        } else {
            digits();
        }
        if (peek() == '.') {
            ++at_;
            digits();
        }
        if (peek() == 'e' || peek() == 'E') {
            ++at_;
            at_ += peek() == '+' || peek() == '-' ? 1 : 0;
            digits();
        }
    }

    void plain_character(std::string& decoded)
    {
        const auto character = first_character(text_.substr(at_));
        if (!character) {
            fail("bytes that are no UTF-8 stand here");
        }
        if (character->code < 0x20) {
            fail("a control character in a string must be escaped");
        }
        decoded += text_.substr(at_, character->length);
        at_ += character->length;
    }

    void escape(std::string& decoded)
    {
        constexpr std::string_view letters = "\"\\/bfnrt";
        constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
        ++at_;
        if (at_ < text_.size() && peek() == 'u') {
            unicode_escape(decoded);
            return;
        }
        const auto found = at_ < text_.size() ? letters.find(peek()) : std::string_view::npos;
        if (found == std::string_view::npos) {
            fail("this is no escape that JSON knows");
        }
        decoded += meanings[found];
        ++at_;
    }

    void unicode_escape(std::string& decoded)
    {
        char32_t code = four_digits();
        if (code == 0) {
            fail("\\u0000 is a character that a database cannot keep");
        }
        if (code >= 0xD800 && code <= 0xDBFF && text_.substr(at_).starts_with("\\u")) {
            ++at_;
            const char32_t low = four_digits();
            code =
                low >= 0xDC00 && low <= 0xDFFF ? 0x10000 + ((code - 0xD800) << 10U) + (low - 0xDC00) : code;
        }
        if (code >= 0xD800 && code <= 0xDFFF) {
            fail("half of a surrogate pair stands alone");
        }
        append_utf8(decoded, code);
    }

    // Of \uXXXX, starting at the u.
    char32_t four_digits()
    {
        constexpr std::string_view hexadecimal = "0123456789abcdef";
        char32_t code = 0;
        ++at_;
        for (int i = 0; i < 4; ++i, ++at_) {
            const char c = peek() >= 'A' && peek() <= 'F' ? static_cast<char>(peek() - 'A' + 'a') : peek();
            const auto digit = hexadecimal.find(c);
            if (digit == std::string_view::npos) {
                fail("\\u must be followed by four hexadecimal digits");
            }
            code = code * 16 + static_cast<char32_t>(digit);
        }
        return code;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    int depth_ = 0;
};

std::string place_of(std::string_view text, std::size_t at)
{
    const auto before = text.substr(0, at);
    const auto line = 1 + std::ranges::count(before, '\n');
    const auto line_begin = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
    const std::string column = "column " + std::to_string(at - line_begin + 1);
    return text.find('\n') == std::string_view::npos ? column
                                                     : "line " + std::to_string(line) + ", " + column;
}

} // namespace

void check_json(std::string_view text, std::string_view name)
{
    try {
        JsonScanner(text).whole_value();
    } catch (const JsonFault& fault) {
        throw Error(ErrorKind::usage,
            std::string(name) + ": is no JSON: " + place_of(text, fault.at) + ": " + fault.what);
    }
}

void check_json_object(std::string_view text, std::string_view name)
{
    check_json(text, name);
    if (json_type(text) != JsonType::object) {
        throw Error(ErrorKind::usage,
            std::string(name) + ": is no JSON object; something like {\"path\": \"/tmp/a\"} was expected");
    }
}

bool is_storable_json(std::string_view text)
{
    try {
        JsonScanner(text).whole_value();
        return true;
    } catch (const JsonFault&) {
        return false;
    }
}

JsonType json_type(std::string_view text)
{
    const auto begin = text.find_first_not_of(" \t\r\n");
    switch (begin == std::string_view::npos ? '\0' : text[begin]) {
    case '{':
        return JsonType::object;
    case '[':
        return JsonType::array;
    case '"':
        return JsonType::string;
    case 't':
    case 'f':
        return JsonType::boolean;
    case 'n':
        return JsonType::null;
    default:
        return JsonType::number;
    }
}

std::vector<JsonMember> json_members(std::string_view object)
{
    std::vector<JsonMember> members;
    JsonScanner scanner(object);
    scanner.skip_space();
    scanner.object([&](std::string name, std::string_view value) {
        members.push_back({std::move(name), value});
    });
    return members;
}

std::vector<std::string_view> json_elements(std::string_view array)
{
    std::vector<std::string_view> elements;
    JsonScanner scanner(array);
    scanner.skip_space();
    scanner.array([&](std::string_view value) { elements.push_back(value); });
    return elements;
}

std::string json_string(std::string_view string)
{
    JsonScanner scanner(string);
    scanner.skip_space();
    return scanner.string();
}

} // namespace jobrunner
