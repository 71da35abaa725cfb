#include "cli/commands.hpp"

#include <sstream>

namespace jobrunner {
namespace {

const auto any_command = [](const CLI::App*) { return true; };

// The long names of the options that may stand after a command, and of the commands below it.
std::string words_after(const CLI::App& command)
{
    std::string words;
    const auto add = [&](const std::string& word) { words += (words.empty() ? "" : " ") + word; };
    for (const auto* below : command.get_subcommands(any_command)) {
        add(below->get_name());
    }
    for (const auto* app = &command; app != nullptr; app = app->get_parent()) {
        for (const auto* option : app->get_options()) {
            for (const auto& name : option->get_lnames()) {
                add("--" + name);
            }
        }
    }
    return words;
}

void print_bash(std::ostream& out, const CLI::App& root)
{
    out << "_jobrunner() {\n"
           "    local word command words\n"
           "    for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
           "        case $word in\n";
    for (const auto* command : root.get_subcommands(any_command)) {
        out << "            " << command->get_name() << ") command=${command:-$word} ;;\n";
    }
    out << "        esac\n"
           "    done\n"
           "    case $command in\n";
    for (const auto* command : root.get_subcommands(any_command)) {
        out << "        " << command->get_name() << ") words='" << words_after(*command) << "' ;;\n";
    }
    out << "        *) words='" << words_after(root)
        << "' ;;\n"
           "    esac\n"
           "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\")\n"
           "}\n"
           "complete -o default -F _jobrunner jobrunner\n";
}

void print_zsh(std::ostream& out, const CLI::App& root)
{
    out << "#compdef jobrunner\n"
           "_jobrunner() {\n"
           "    local word command\n"
           "    for word in ${words[2,CURRENT-1]}; do\n"
           "        case $word in\n";
    for (const auto* command : root.get_subcommands(any_command)) {
        out << "            " << command->get_name() << ") command=${command:-$word} ;;\n";
    }
    out << "        esac\n"
           "    done\n"
           "    case $command in\n";
    for (const auto* command : root.get_subcommands(any_command)) {
        out << "        " << command->get_name() << ") compadd -- " << words_after(*command) << " ;;\n";
    }
    out << "        *) compadd -- " << words_after(root)
        << " ;;\n"
           "    esac\n"
           "}\n"
           "compdef _jobrunner jobrunner\n";
}

void print_fish(std::ostream& out, const CLI::App& root)
{
    const auto options = [&](const CLI::App& app, const std::string& condition) {
        for (const auto* option : app.get_options()) {
            for (const auto& name : option->get_lnames()) {
                out << "complete -c jobrunner" << condition << " -l " << name << '\n';
            }
        }
    };
    options(root, "");
    for (const auto* command : root.get_subcommands(any_command)) {
        out << "complete -c jobrunner -f -n __fish_use_subcommand -a " << command->get_name() << '\n';
        const std::string after = " -n '__fish_seen_subcommand_from " + command->get_name() + "'";
        for (const auto* below : command->get_subcommands(any_command)) {
            out << "complete -c jobrunner -f" << after << " -a " << below->get_name() << '\n';
        }
        options(*command, after);
    }
}

} // namespace

void add_completion_command(CommandTree& tree)
{
    const auto shell = std::make_shared<std::string>();
    const CLI::App& root = tree.root();
    auto& command =
        tree.add({.name = "completion",
                     .about = "Prints a script that completes commands and options in a shell.",
                     .examples = "source <(jobrunner completion bash)\n"
                                 "jobrunner completion zsh > ~/.zfunc/_jobrunner\n"
                                 "jobrunner completion fish > ~/.config/fish/completions/jobrunner.fish",
                     .group = "Setting up"},
            [shell, &root](Session& session) {
                const auto print = *shell == "bash" ? print_bash : *shell == "zsh" ? print_zsh : print_fish;
                print(session.out(), root);
                return exit_done;
            });
    command.add_option("SHELL", *shell, "bash, zsh or fish")
        ->required()
        ->type_name("")
        ->check(CLI::IsMember({"bash", "zsh", "fish"}).description(""));
}

} // namespace jobrunner
