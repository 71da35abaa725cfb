#include "cli/command_tree.hpp"

#include "core/version.hpp"

#include <sstream>

namespace jobrunner {
namespace {

std::string indented(const std::string& lines)
{
    std::istringstream in(lines);
    std::string out;
    for (std::string line; std::getline(in, line);) {
        out += "  " + line + "\n";
    }
    return out;
}

} // namespace

CommandTree::CommandTree()
    : root_("Runs jobs that are rows of a database, and looks after them.", "jobrunner")
{
    root_.fallthrough();
    root_.require_subcommand(0, 1);
    root_.get_formatter()->column_width(32);
    root_.set_help_flag("-h,--help", "Say what there is to know here, and do nothing");
    root_.set_version_flag("--version", "jobrunner " + std::string(version()), "Say which version this is");
    root_.get_formatter()->label("SUBCOMMAND", "COMMAND");
    root_.footer(
        "jobrunner COMMAND --help says more about a command. The options above may stand after it too.");
    add_text(root_, "--config", options_.config, "Configuration file", "FILE");
    add_text(root_, "--database", options_.database, "postgresql://… or sqlite:///path", "URL");
    add_text(root_, "--schema", options_.schema, "PostgreSQL schema of the tables", "NAME");
    add_text(root_, "--log-level", options_.log_level, "trace, debug, info, warn, error or off", "LEVEL")
        ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error", "off"}).description(""));
    add_text(root_, "--log-format", options_.log_format, "text or json", "FORMAT")
        ->check(CLI::IsMember({"text", "json"}).description(""));
    root_.add_flag("--json", options_.json, "Print JSON: an object, or a line for each row of a list");
}

CLI::App& CommandTree::add_below(CLI::App& parent, const CommandText& text, Run run)
{
    auto* command = parent.add_subcommand(text.name, text.about);
    command->group(text.group);
    command->require_subcommand(0, 1);
    command->footer((text.examples.empty() ? "" : "Examples:\n" + indented(text.examples) + "\n") +
        "Options of every command: see jobrunner --help.");
    runs_[command] = std::move(run);
    return *command;
}

const CLI::App& CommandTree::chosen() const
{
    const CLI::App* app = &root_;
    while (!app->get_subcommands().empty()) {
        app = app->get_subcommands().front();
    }
    return *app;
}

CommandTree::Run CommandTree::chosen_run() const
{
    const auto found = runs_.find(&chosen());
    return found == runs_.end() ? Run{} : found->second;
}

CLI::Option* add_text(CLI::App& command, const std::string& names, std::optional<std::string>& into,
    const std::string& about, const std::string& word)
{
    return command.add_option(names, into, about)->take_last()->type_name(word);
}

CLI::Option* add_texts(CLI::App& command, const std::string& names, std::vector<std::string>& into,
    const std::string& about, const std::string& word)
{
    return command.add_option(names, into, about)->allow_extra_args(false)->delimiter(',')->type_name(word);
}

} // namespace jobrunner
