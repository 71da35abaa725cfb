#include "cli/table.hpp"

#include "cli/terminal_text.hpp"

#include <algorithm>
#include <cassert>
#include <numeric>

namespace jobrunner {
namespace {

constexpr std::size_t gap = 2;
constexpr std::size_t shrunk_min = 8;

std::string padding(std::size_t width, const std::string& text)
{
    const std::size_t used = display_width(text);
    return std::string(width > used ? width - used : 0, ' ');
}

} // namespace

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

void Table::add(std::vector<std::string> cells)
{
    assert(cells.size() == columns_.size());
    for (auto& cell : cells) {
        cell = shown(cell);
    }
    rows_.push_back(std::move(cells));
}

void Table::print(std::ostream& out, std::optional<std::size_t> width) const
{
    const auto widths = fitting_widths(width);
    std::vector<std::string> titles;
    for (const auto& column : columns_) {
        titles.push_back(column.title);
    }
    print_line(out, titles, widths, width);
    for (const auto& row : rows_) {
        print_line(out, row, widths, width);
    }
}

std::vector<std::size_t> Table::natural_widths() const
{
    std::vector<std::size_t> widths;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        std::size_t widest = display_width(columns_[i].title);
        for (const auto& row : rows_) {
            widest = std::max(widest, display_width(row[i]));
        }
        widths.push_back(widest);
    }
    return widths;
}

std::vector<std::size_t> Table::fitting_widths(std::optional<std::size_t> width) const
{
    auto widths = natural_widths();
    const std::size_t total = std::accumulate(widths.begin(), widths.end(), gap * (widths.size() - 1));
    std::size_t excess = width && total > *width ? total - *width : 0;
    // Long text first, then all that is no number.
    for (const bool only_long : {true, false}) {
        for (auto widest = widest_to_shrink(widths, only_long); excess > 0 && widest; --excess) {
            --widths[*widest];
            widest = widest_to_shrink(widths, only_long);
        }
    }
    return widths;
}

std::optional<std::size_t> Table::widest_to_shrink(
    const std::vector<std::size_t>& widths, bool only_long) const
{
    std::optional<std::size_t> widest;
    for (std::size_t i = 0; i < widths.size(); ++i) {
        const bool may_shrink = only_long ? columns_[i].may_shrink : !columns_[i].right;
        if (may_shrink && widths[i] > shrunk_min && (!widest || widths[i] > widths[*widest])) {
            widest = i;
        }
    }
    return widest;
}

void Table::print_line(std::ostream& out, const std::vector<std::string>& cells,
    const std::vector<std::size_t>& widths, std::optional<std::size_t> width) const
{
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        const std::string text = cut_to_width(cells[i], widths[i]);
        const std::string pad = padding(widths[i], text);
        line += i > 0 ? std::string(gap, ' ') : "";
        line += columns_[i].right ? pad + text : text + pad;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out << (width ? cut_to_width(line, *width) : line) << '\n';
}

void Facts::add(const std::string& name, const std::string& value)
{
    if (!value.empty()) {
        facts_.emplace_back(name, shown(value));
    }
}

void Facts::print(std::ostream& out) const
{
    std::size_t widest = 0;
    for (const auto& [name, value] : facts_) {
        widest = std::max(widest, name.size());
    }
    for (const auto& [name, value] : facts_) {
        out << name << std::string(widest - name.size() + gap, ' ') << value << '\n';
    }
}

} // namespace jobrunner
