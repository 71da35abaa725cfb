#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace jobrunner {

// Everything that is wrong with one configuration file, collected so that it can be mended in
// one go.
class ConfigProblems {
public:
    explicit ConfigProblems(std::string file) : file_(std::move(file)) {}

    // `line` counts from 1; 0 means the file as a whole.
    void add(std::size_t line, const std::string& key, const std::string& what);

    // Throws Error{usage} with one line for each problem, in the order of the file, if there is any.
    void throw_if_any() const;

private:
    struct Problem {
        std::size_t line;
        std::string text;
    };

    std::string file_;
    std::vector<Problem> problems_;
};

} // namespace jobrunner
