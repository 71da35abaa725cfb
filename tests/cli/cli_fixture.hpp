#pragma once

#include "cli/commands.hpp"
#include "cli/program.hpp"
#include "fake_storage.hpp"

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <sstream>
#include <stdlib.h>
#include <string>
#include <vector>

namespace jobrunner::tests {

struct FakeMigrator : Migrator {
    std::vector<MigrationStatus> migrations{
        {1, "jobs", "2026-01-31T09:00:00.000Z"}, {2, "workers", std::nullopt}};
    std::vector<MigrationStatus> migrate(std::optional<int>) override { return {migrations[1]}; }
    std::vector<MigrationStatus> status() override { return migrations; }
    std::string pending_sql(std::optional<int>) override { return "CREATE TABLE jobs ();\n"; }
    std::string roles_sql(const RoleNames& names) override { return "GRANT TO " + names.worker + ";\n"; }
    void apply_roles(const RoleNames&) override {}
};

// Runs the program's commands against a fake database, without a terminal, in a folder of its own.
class CliFixture {
public:
    CliFixture()
    {
        ::setenv("TZ", "UTC", 1);
        ::tzset();
        std::string name = (std::filesystem::temp_directory_path() / "jobrunner-cli-XXXXXX").string();
        directory = ::mkdtemp(name.data());
    }
    ~CliFixture() { std::filesystem::remove_all(directory); }

    // Runs `jobrunner ARGUMENTS…` and returns the exit status; `out` and `err` hold what it printed.
    int run(const std::vector<std::string>& arguments)
    {
        out_stream.str("");
        err_stream.str("");
        std::vector<const char*> argv{"jobrunner"};
        for (const auto& argument : arguments) {
            argv.push_back(argument.c_str());
        }
        const int status = run_program(static_cast<int>(argv.size()), argv.data(), host);
        out = out_stream.str();
        err = err_stream.str();
        return status;
    }

    std::string write(const std::string& name, const std::string& text)
    {
        const auto path = directory / name;
        std::ofstream(path) << text;
        std::filesystem::permissions(path,
            std::filesystem::perms::group_write | std::filesystem::perms::others_write,
            std::filesystem::perm_options::remove);
        return path.string();
    }

    std::filesystem::path directory;
    std::istringstream in_stream;
    std::ostringstream out_stream;
    std::ostringstream err_stream;
    std::string out;
    std::string err;
    std::shared_ptr<FakeStorage> storage = std::make_shared<FakeStorage>();
    std::optional<DatabaseOptions> opened;
    std::optional<WorkOptions> worked;
    std::optional<ServeOptions> served;
    std::string log_level;
    std::map<std::string, std::string> variables{{"JOBRUNNER_DATABASE", "postgresql:///test"}};
    std::chrono::steady_clock::time_point steady_now{};
    std::function<void()> on_sleep = [] {};

    Host host{.in = in_stream,
        .out = out_stream,
        .err = err_stream,
        .reader_gone = [] { return false; },
        .out_width = std::nullopt,
        .err_is_terminal = false,
        .variable = [this](const char* name) -> std::optional<std::string> {
            const auto found = variables.find(name);
            return found == variables.end() ? std::nullopt : std::optional(found->second);
        },
        .now = [] { return *to_time_point("2026-01-31T10:00:00.000Z"); },
        .clock = {[this] { return steady_now; },
            [this](Milliseconds length) {
                steady_now += length;
                on_sleep();
            }},
        .actor = "ada@host",
        .open_storage = [this](const DatabaseOptions& options) -> std::shared_ptr<Storage> {
            opened = options;
            return storage;
        },
        .open_migrator = [this](const DatabaseOptions& options) -> std::unique_ptr<Migrator> {
            opened = options;
            return std::make_unique<FakeMigrator>();
        },
        .run_worker =
            [this](const WorkOptions& options) {
                worked = options;
                return 0;
            },
        .run_server =
            [this](const ServeOptions& options) {
                served = options;
                return 0;
            },
        .set_up_log = [this](const std::string& level, const std::string&) { log_level = level; }};
};

} // namespace jobrunner::tests
