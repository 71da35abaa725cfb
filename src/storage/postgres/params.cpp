#include "storage/postgres/params.hpp"

#include <charconv>

namespace jobrunner::postgres {
namespace {

void append_quoted(std::string& literal, std::string_view value)
{
    literal += '"';
    for (const char c : value) {
        if (c == '"' || c == '\\') {
            literal += '\\';
        }
        literal += c;
    }
    literal += '"';
}

void append(std::string& literal, const std::string& value)
{
    append_quoted(literal, value);
}

void append(std::string& literal, std::int64_t value)
{
    char digits[24];
    const auto written = std::to_chars(digits, digits + sizeof digits, value);
    literal.append(digits, written.ptr);
}

template <typename Value>
void append(std::string& literal, const std::optional<Value>& value)
{
    if (value) {
        append(literal, *value);
    } else {
        literal += "NULL";
    }
}

template <typename Values>
std::string array_literal(const Values& values)
{
    std::string literal = "{";
    for (const auto& value : values) {
        if (literal.size() > 1) {
            literal += ',';
        }
        append(literal, value);
    }
    return literal + "}";
}

} // namespace

Params& Params::add(std::string_view value)
{
    pointers_.push_back(texts_.emplace_back(value).c_str());
    return *this;
}

Params& Params::add(std::int64_t value)
{
    return add(std::string_view(std::to_string(value)));
}

Params& Params::add_null()
{
    pointers_.push_back(nullptr);
    return *this;
}

Params& Params::add(const std::vector<std::string>& values)
{
    return add(std::string_view(array_literal(values)));
}

Params& Params::add(const std::vector<std::optional<std::string>>& values)
{
    return add(std::string_view(array_literal(values)));
}

Params& Params::add(const std::vector<std::int64_t>& values)
{
    return add(std::string_view(array_literal(values)));
}

Params& Params::add(const std::vector<std::optional<std::int64_t>>& values)
{
    return add(std::string_view(array_literal(values)));
}

std::vector<std::string> parse_text_array(std::string_view literal)
{
    std::vector<std::string> values;
    bool quoted = false;
    bool open = false; // an element has begun
    for (std::size_t i = 1; i + 1 < literal.size(); ++i) {
        char c = literal[i];
        if (c == '"') {
            quoted = !quoted;
            if (!open) {
                values.emplace_back();
                open = true;
            }
            continue;
        }
        if (c == ',' && !quoted) {
            open = false;
            continue;
        }
        if (c == '\\' && i + 2 < literal.size()) {
            c = literal[++i];
        }
        if (!open) {
            values.emplace_back();
            open = true;
        }
        values.back() += c;
    }
    return values;
}

} // namespace jobrunner::postgres
