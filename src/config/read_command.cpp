#include "config/read_command.hpp"

#include "core/error.hpp"

#include <algorithm>
#include <cctype>

namespace jobrunner {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr std::string_view command_expected = "an array of strings, first the program, then its arguments,";

std::string resolved(const std::string& path, const std::filesystem::path& directory)
{
    return (directory / path).lexically_normal().string();
}

std::optional<ArgsTemplate> read_template(ConfigSection& section, const ConfigText& text)
{
    try {
        auto parsed = ArgsTemplate::parse(text.value);
        if (!parsed.secrets().empty()) {
            section.problem(text,
                "holds a secret, which every user of the host would see in the list of processes; "
                "environment = { NAME = \"{secret:NAME}\" } was expected");
            return std::nullopt;
        }
        return parsed;
    } catch (const Error& error) {
        section.problem(text, error.what());
        return std::nullopt;
    }
}

// The program must be a literal: a job never chooses what is executed.
std::optional<ArgsTemplate> read_program(
    ConfigSection& section, const ConfigText& text, const std::filesystem::path& directory)
{
    const auto parsed = read_template(section, text);
    if (!parsed) {
        return std::nullopt;
    }
    if (!parsed->is_literal()) {
        section.problem(text, "has a placeholder; a program that no job can choose was expected");
        return std::nullopt;
    }
    const auto program = parsed->fill(ArgsView("{}"), {});
    if (program.empty() || program.ends_with('/')) {
        section.problem(text, "names no program; a path or a name to be found in PATH was expected");
        return std::nullopt;
    }
    const bool is_path = program.find('/') != std::string::npos;
    return ArgsTemplate::literal(is_path ? resolved(program, directory) : program);
}

bool is_variable_name(std::string_view name)
{
    return !name.empty() && std::isdigit(static_cast<unsigned char>(name.front())) == 0 &&
        std::ranges::all_of(
            name, [](unsigned char c) { return c < 0x80 && (std::isalnum(c) != 0 || c == '_'); });
}

std::optional<std::string> variable_problem(std::string_view name)
{
    if (!is_variable_name(name)) {
        return "is no name of an environment variable; letters, digits and _ were expected";
    }
    if (name.starts_with("JOBRUNNER_") || name == "TRACEPARENT") {
        return "is set by jobrunner itself; another name was expected";
    }
    return std::nullopt;
}

// The NAME of a value that is {secret:NAME} as a whole; any other value stands for itself.
std::optional<std::string> secret_reference(std::string_view value)
{
    constexpr std::string_view begin = "{secret:";
    if (!value.starts_with(begin) || !value.ends_with('}') || value.size() <= begin.size() + 1) {
        return std::nullopt;
    }
    return std::string(value.substr(begin.size(), value.size() - begin.size() - 1));
}

void read_environment(ConfigSection& section, CommandConfig& command)
{
    for (auto& [name, text] : section.texts_by_name("environment")) {
        if (const auto wrong = variable_problem(name)) {
            section.problem(text, *wrong);
        } else if (auto secret = secret_reference(text.value)) {
            command.secret_environment.emplace(name, std::move(*secret));
        } else {
            command.environment.emplace(name, std::move(text.value));
        }
    }
    for (auto& text :
        section.texts("pass_environment", "an array of names").value_or(std::vector<ConfigText>{})) {
        if (const auto wrong = variable_problem(text.value)) {
            section.problem(text, "\"" + text.value + "\" " + *wrong);
        } else {
            command.pass_environment.push_back(std::move(text.value));
        }
    }
    assign(command.pass_database, section.flag("pass_database"));
}

ResourceLimits read_resources(ConfigSection section)
{
    constexpr int count_max = 1'048'576;
    constexpr std::uint64_t mebibyte = 1ULL << 20;
    constexpr std::uint64_t file_size_max = 1ULL << 50;
    ResourceLimits limits;
    assign(limits.memory_bytes, section.byte_size("memory", {mebibyte, file_size_max}));
    assign(limits.cpu, section.duration("cpu", {seconds{1}, hours{24 * 30}}));
    assign(limits.open_files, section.integer("open_files", {8, count_max}));
    assign(limits.processes, section.integer("processes", {1, count_max}));
    assign(limits.file_size_bytes, section.byte_size("file_size", {0, file_size_max}));
    if (limits.cpu && *limits.cpu % seconds{1} != Milliseconds{0}) {
        section.problem("cpu", "is " + format_duration(*limits.cpu) + "; whole seconds were expected");
    }
    section.refuse_unknown();
    return limits;
}

// In octal digits, as for the shell's umask. A bare number would be read as decimal.
std::optional<int> read_umask(ConfigSection& section)
{
    constexpr std::string_view expected = "a string of octal digits from \"0\" to \"777\", such as \"027\",";
    const auto text = section.text("umask", expected);
    if (!text) {
        return std::nullopt;
    }
    const bool octal = std::ranges::all_of(*text, [](char c) { return c >= '0' && c <= '7'; });
    const int mask = octal && text->size() <= 4 ? std::stoi(*text, nullptr, 8) : -1;
    if (mask < 0 || mask > 0777) {
        section.problem("umask", "is \"" + *text + "\"; " + std::string(expected) + " was expected");
        return std::nullopt;
    }
    return mask;
}

} // namespace

CommandConfig read_process(
    ConfigSection& section, Milliseconds default_grace, const std::filesystem::path& directory)
{
    constexpr std::uint64_t output_bytes_max = 16ULL << 20;
    CommandConfig command;
    command.grace = default_grace;
    assign(command.grace, section.duration("grace", {seconds{0}, hours{1}}));
    assign(command.output_max, section.byte_size("output_max", {0, output_bytes_max}));
    assign(command.user, section.text("user", "the name of a user"));
    assign(command.umask, read_umask(section));
    assign(command.nice, section.integer("nice", {-20, 19}));
    assign(command.no_new_privileges, section.flag("no_new_privileges"));
    if (const auto text = section.text("directory", "the path of a directory")) {
        command.directory = resolved(*text, directory);
    }
    if (auto resources = section.section("resources")) {
        command.resources = read_resources(std::move(*resources));
    }
    read_environment(section, command);
    return command;
}

void check_secret_environment(
    ConfigSection& section, const CommandConfig& command, const std::map<std::string, SecretConfig>& secrets)
{
    for (const auto& [variable, secret] : command.secret_environment) {
        if (!secrets.contains(secret)) {
            section.problem("environment",
                "gives " + variable + " the secret " + secret + "; one that [secrets] declares was expected");
        }
    }
}

std::optional<ProfileConfig> read_profile(ConfigSection& section, const std::filesystem::path& directory)
{
    auto table = section.section("profile");
    if (!table) {
        return std::nullopt;
    }
    ProfileConfig profile;
    bool names_file = false;
    for (const auto& text : table->texts("command", command_expected).value_or(std::vector<ConfigText>{})) {
        names_file = names_file || text.value.find("{file}") != std::string::npos;
        profile.command.push_back(text.value);
    }
    if (!names_file) {
        table->problem("command",
            "has no {file}, where the profile goes; [\"perf\", \"record\", \"-o\", \"{file}\", \"--\"] or "
            "the like was "
            "expected");
    } else if (profile.command.front().find('/') != std::string::npos) {
        profile.command.front() = resolved(profile.command.front(), directory);
    }
    if (const auto text = table->text("directory", "the path of a directory for profiles")) {
        profile.directory = resolved(*text, directory);
    } else {
        table->problem("directory", "is missing; the path of a directory for profiles was expected");
    }
    assign(profile.share, table->number("share", {0.0, 1.0}));
    table->refuse_unknown();
    return profile;
}

std::vector<ArgsTemplate> read_command(
    ConfigSection& section, const std::filesystem::path& directory, std::string_view key)
{
    std::vector<ArgsTemplate> argv;
    const auto texts = section.texts(key, command_expected);
    if (texts && texts->empty()) {
        section.problem(key, "is empty; " + std::string(command_expected) + " was expected");
    }
    for (std::size_t i = 0; texts && i < texts->size(); ++i) {
        const auto& text = texts->at(i);
        auto parsed = i == 0 ? read_program(section, text, directory) : read_template(section, text);
        if (parsed) {
            argv.push_back(std::move(*parsed));
        }
    }
    return argv;
}

} // namespace jobrunner
