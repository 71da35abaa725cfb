#include "cli/program.hpp"

#include "cli/command_tree.hpp"
#include "cli/commands.hpp"
#include "cli/terminal_text.hpp"
#include "config/near_name.hpp"

#include <sstream>

namespace jobrunner {
namespace {

void complain(Host& host, const std::string& message)
{
    std::istringstream lines(message);
    for (std::string line; std::getline(lines, line);) {
        host.err << "jobrunner: " << shown(line) << '\n';
    }
}

std::vector<std::string> command_names(const CLI::App& parent)
{
    std::vector<std::string> names;
    for (const auto* command : parent.get_subcommands([](const CLI::App*) { return true; })) {
        names.push_back(command->get_name());
    }
    return names;
}

// An argument that nobody expected: most often a command or an option with a slip of the pen.
std::string unexpected(CommandTree& tree)
{
    const auto rest = tree.root().remaining(true);
    const std::string first = rest.empty() ? "" : rest.front();
    const auto& command = tree.chosen();
    std::string text = "\"" + first + "\" was not expected";
    if (!first.starts_with('-') && !command_names(command).empty()) {
        text = "\"" + first + "\" is no command";
        if (const auto near = near_name(first, command_names(command))) {
            text += "; was \"" + *near + "\" meant?";
        }
    }
    return text;
}

// "jobrunner enqueue"
std::string full_name(const CLI::App& command)
{
    const auto* parent = command.get_parent();
    return parent == nullptr ? command.get_name() : full_name(*parent) + " " + command.get_name();
}

std::string help_of(const CLI::App& command)
{
    const auto* parent = command.get_parent();
    return command.help(parent == nullptr ? "" : full_name(*parent));
}

int refuse_arguments(CommandTree& tree, Host& host, const CLI::ParseError& error)
{
    std::string what = error.what();
    if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
        what = unexpected(tree);
    } else if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr) {
        what = what.substr(0, what.find(':')) + ": a value was expected after it";
    }
    complain(host, what + " (see " + full_name(tree.chosen()) + " --help)");
    return exit_usage;
}

int run_chosen(CommandTree& tree, Host& host)
{
    const auto run = tree.chosen_run();
    if (!run) {
        host.out << help_of(tree.chosen());
        return exit_done;
    }
    const auto& options = tree.options();
    host.set_up_log(options.log_level.value_or("warn"), options.log_format.value_or("text"));
    Session session(host, options);
    return run(session);
}

int parse_and_run(int argc, const char* const* argv, Host& host)
{
    CommandTree tree;
    add_all_commands(tree);
    try {
        tree.root().parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
        host.out << help_of(tree.chosen());
        return exit_done;
    } catch (const CLI::CallForVersion& version) {
        host.out << version.what() << '\n';
        return exit_done;
    } catch (const CLI::ParseError& error) {
        return refuse_arguments(tree, host, error);
    }
    return run_chosen(tree, host);
}

} // namespace

int run_program(int argc, const char* const* argv, Host& host)
{
    try {
        const int status = parse_and_run(argc, argv, host);
        host.out.flush();
        return status;
    } catch (const Error& error) {
        complain(host, error.what());
        return exit_status(error.kind());
    } catch (const std::exception& error) {
        complain(host, error.what());
        return exit_failed;
    }
}

} // namespace jobrunner
