#pragma once

#include "cli/session.hpp"

#include <CLI/CLI.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace jobrunner {

struct CommandText {
    std::string name;
    std::string about;    // a sentence
    std::string examples; // a line each
    std::string group;    // in the list of commands; empty: not listed
};

// The program's commands and options, as CLI11 keeps them, and what each command does.
class CommandTree {
public:
    using Run = std::function<int(Session&)>;

    CommandTree();

    CLI::App& add(const CommandText& text, Run run) { return add_below(root_, text, std::move(run)); }
    CLI::App& add_below(CLI::App& parent, const CommandText& text, Run run);

    [[nodiscard]] CLI::App& root() { return root_; }
    [[nodiscard]] const GlobalOptions& options() const { return options_; }
    // After parsing: the command that was named, or the root.
    [[nodiscard]] const CLI::App& chosen() const;
    // What that command does; empty for the root.
    [[nodiscard]] Run chosen_run() const;

private:
    CLI::App root_;
    GlobalOptions options_;
    std::map<const CLI::App*, Run> runs_;
};

// An option that takes one text; given twice, the last one counts.
CLI::Option* add_text(CLI::App& command, const std::string& names, std::optional<std::string>& into,
    const std::string& about, const std::string& word);
// An option that may be repeated, and that takes several texts separated by commas.
CLI::Option* add_texts(CLI::App& command, const std::string& names, std::vector<std::string>& into,
    const std::string& about, const std::string& word);

} // namespace jobrunner
