#include "storage/program_output.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace jobrunner::tests {

ProgramEnd run_program(const std::string& command_line)
{
    std::FILE* const pipe = ::popen((command_line + " 2>&1").c_str(), "r");
    if (pipe == nullptr) {
        throw std::runtime_error("no shell");
    }
    ProgramEnd end;
    std::array<char, 4096> part{};
    for (std::size_t got = 0; (got = std::fread(part.data(), 1, part.size(), pipe)) > 0;) {
        end.output.append(part.data(), got);
    }
    const int status = ::pclose(pipe);
    end.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return end;
}

std::string first_difference(const std::string& left, const std::string& right)
{
    std::istringstream left_lines(left);
    std::istringstream right_lines(right);
    for (std::string a, b;;) {
        const bool more_left = static_cast<bool>(std::getline(left_lines, a));
        const bool more_right = static_cast<bool>(std::getline(right_lines, b));
        if (!more_left && !more_right) {
            return {};
        }
        if (more_left != more_right || a != b) {
            return (more_left ? a : "(end)") + "\n" + (more_right ? b : "(end)");
        }
    }
}

std::string source_folder()
{
    if (const char* const given = std::getenv("JOBRUNNER_SOURCE_DIR"); given != nullptr) {
        return given;
    }
    return std::filesystem::path(__FILE__).parent_path().parent_path().parent_path().string();
}

TemporaryFile::TemporaryFile(const std::string& text)
{
    path_ = (std::filesystem::temp_directory_path() / "jobrunner_XXXXXX").string();
    const int file = ::mkstemp(path_.data());
    if (file < 0) {
        throw std::runtime_error("no temporary file");
    }
    ::close(file);
    std::ofstream(path_) << text;
}

TemporaryFile::~TemporaryFile()
{
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
}

} // namespace jobrunner::tests
