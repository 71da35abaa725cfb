#pragma once

#include "config/config_problems.hpp"
#include "core/duration.hpp"

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <toml++/toml.h>
#include <utility>
#include <vector>

namespace jobrunner {

// Both ends belong to it.
template <typename T>
struct ConfigRange {
    T least;
    T most;
};

// A string of the file and where it stands, for checks that come later.
struct ConfigText {
    std::string value;
    std::size_t line;
    std::string key;
};

// One table of the configuration file. Every method but problem() asks for a key: it returns the
// value, or nothing when the key is absent or its value is wrong, which it adds to the problems.
// The keys asked for are those that the table may have.
//
// Holds references to table and problems, which must outlive it.
class ConfigSection {
public:
    ConfigSection(const toml::table& table, std::string path, ConfigProblems& problems)
        : table_(&table), path_(std::move(path)), problems_(&problems)
    {
    }

    [[nodiscard]] bool has(std::string_view key) const { return table_->contains(key); }

    // Whether the key is there with a value of that type; asks for nothing.
    [[nodiscard]] bool is_table(std::string_view key) const { return (*table_)[key].is_table(); }
    [[nodiscard]] bool is_string(std::string_view key) const { return (*table_)[key].is_string(); }

    std::optional<bool> flag(std::string_view key);
    std::optional<int> integer(std::string_view key, ConfigRange<int> range);
    std::optional<double> number(std::string_view key, ConfigRange<double> range);
    std::optional<Milliseconds> duration(std::string_view key, ConfigRange<Milliseconds> range);
    // The inner value is nothing when the file has `word` for it: no length at all.
    std::optional<std::optional<Milliseconds>> duration_or(
        std::string_view key, std::string_view word, ConfigRange<Milliseconds> range);
    std::optional<std::uint64_t> byte_size(std::string_view key, ConfigRange<std::uint64_t> range);
    // A string that is not empty and holds no NUL character; `expected` is for the message.
    std::optional<std::string> text(std::string_view key, std::string_view expected);
    std::optional<std::string> name(std::string_view key);
    std::optional<std::string> choice(std::string_view key, std::initializer_list<std::string_view> choices);
    // An array of strings, which may be empty ones; those that are wrong are left out.
    std::optional<std::vector<ConfigText>> texts(std::string_view key, std::string_view expected);
    // A table of strings, by name; those that are wrong are left out.
    std::vector<std::pair<std::string, ConfigText>> texts_by_name(std::string_view key);

    // A table as JSON text, with whatever it holds; dates and times become strings. `expected` is for the message.
    std::optional<std::string> json(std::string_view key, std::string_view expected);

    std::optional<ConfigSection> section(std::string_view key);
    // An array of tables; elements that are none are left out. `expected` is for the message.
    std::vector<ConfigSection> tables(std::string_view key, std::string_view expected);
    // The tables within this one, by name; all keys are known.
    std::vector<std::pair<std::string, ConfigSection>> sections();

    // Adds a problem for each key that was never asked for, naming the nearest that was.
    void refuse_unknown();

    // Adds a problem with the key, or with the table itself where the key is absent.
    void problem(std::string_view key, const std::string& what);
    // Adds a problem with a string of the table.
    void problem(const ConfigText& text, const std::string& what)
    {
        problems_->add(text.line, text.key, what);
    }

private:
    const toml::node* find(std::string_view key);
    [[nodiscard]] std::string key_path(std::string_view key) const;
    void wrong(std::string_view key, const toml::node& node, const std::string& expected);
    std::optional<std::string> string_of(
        const toml::node& node, const std::string& path, std::string_view expected);

    const toml::table* table_;
    std::string path_;
    ConfigProblems* problems_;
    std::vector<std::string> known_;
};

// Whether `name` may name a kind, a queue, a label or a worker: 1 to 128 printable characters.
[[nodiscard]] bool is_config_name(std::string_view name);
inline constexpr std::string_view config_name_expected = "a name of 1 to 128 printable characters";

// Overwrites `into` where there is a value.
template <typename T, typename Value>
void assign(T& into, std::optional<Value>&& value)
{
    if (value) {
        into = std::move(*value);
    }
}

} // namespace jobrunner
