// Runs the programs that come with a database, such as psql and pg_dump.
#pragma once

#include <string>

namespace jobrunner::tests {

struct ProgramEnd {
    int exit_code = 0;
    std::string output; // standard output and error together
};

// Runs a command line of the shell to its end.
[[nodiscard]] ProgramEnd run_program(const std::string& command_line);

// The first line in which two texts differ, as both have it; empty if they are equal.
[[nodiscard]] std::string first_difference(const std::string& left, const std::string& right);

// The folder of the project's sources.
[[nodiscard]] std::string source_folder();

// A file with this text that goes with its object.
class TemporaryFile {
public:
    explicit TemporaryFile(const std::string& text);
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    ~TemporaryFile();

    [[nodiscard]] const std::string& path() const { return path_; }

private:
    std::string path_;
};

} // namespace jobrunner::tests
