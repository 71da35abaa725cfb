#pragma once

#include <cstddef>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

namespace jobrunner {

struct Column {
    std::string title;
    bool right = false;      // numbers
    bool may_shrink = false; // long text, cut with … where the terminal is too narrow
};

// Rows and columns for people. Cells may hold anything: they are made fit for a terminal when they are added.
class Table {
public:
    explicit Table(std::vector<Column> columns);

    // Requires: as many cells as there are columns.
    void add(std::vector<std::string> cells);

    [[nodiscard]] bool empty() const { return rows_.empty(); }
    [[nodiscard]] std::size_t size() const { return rows_.size(); }

    // Prints a line of titles and one for each row. With a width no line is wider: columns that may shrink do so first,
    // then others that are no numbers, and what is still too long is cut. Without one nothing is cut.
    // No line ends in spaces.
    void print(std::ostream& out, std::optional<std::size_t> width) const;

private:
    [[nodiscard]] std::vector<std::size_t> natural_widths() const;
    [[nodiscard]] std::vector<std::size_t> fitting_widths(std::optional<std::size_t> width) const;
    [[nodiscard]] std::optional<std::size_t> widest_to_shrink(
        const std::vector<std::size_t>& widths, bool only_long) const;
    void print_line(std::ostream& out, const std::vector<std::string>& cells,
        const std::vector<std::size_t>& widths, std::optional<std::size_t> width) const;

    std::vector<Column> columns_;
    std::vector<std::vector<std::string>> rows_;
};

// Names and values below each other; values may hold anything. Empty values are left out.
class Facts {
public:
    void add(const std::string& name, const std::string& value);
    void print(std::ostream& out) const;

private:
    std::vector<std::pair<std::string, std::string>> facts_;
};

} // namespace jobrunner
