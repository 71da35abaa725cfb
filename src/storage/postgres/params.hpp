#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace jobrunner::postgres {

// The parameters of one statement, in order, as text. libpqxx 6 has no pqxx::params; this is the one place that
// knows how parameters are handed over.
class Params {
public:
    Params& add(std::string_view value);
    Params& add(std::int64_t value);
    Params& add(int value) { return add(static_cast<std::int64_t>(value)); }
    Params& add(bool value) { return add(std::string_view(value ? "t" : "f")); }
    Params& add(const char* value) { return add(std::string_view(value)); }
    Params& add(const std::string& value) { return add(std::string_view(value)); }
    Params& add_null();

    template <typename Value>
    Params& add(const std::optional<Value>& value)
    {
        return value ? add(*value) : add_null();
    }

    // Array literals.
    Params& add(const std::vector<std::string>& values);
    Params& add(const std::vector<std::optional<std::string>>& values);
    Params& add(const std::vector<std::int64_t>& values);
    Params& add(const std::vector<std::optional<std::int64_t>>& values);

    // Null for each null parameter; valid as long as this object.
    [[nodiscard]] const std::vector<const char*>& pointers() const { return pointers_; }

private:
    std::deque<std::string> texts_;
    std::vector<const char*> pointers_;
};

// The elements of a one-dimensional array literal without nulls, such as {a,"b c"}.
[[nodiscard]] std::vector<std::string> parse_text_array(std::string_view literal);

} // namespace jobrunner::postgres
