#pragma once

#include "storage/storage.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace jobrunner {

// Leaves out of JSON what the configuration says is not to be shown: the values of members whose names match, however
// deep they stand. All other values keep every digit. Immutable: any thread.
class Redaction {
public:
    // Patterns are in lower case; * stands for anything.
    explicit Redaction(std::vector<std::string> patterns) : patterns_(std::move(patterns)) {}

    // What is no JSON, or nests deeper than can be looked through, is left out as a whole.
    [[nodiscard]] std::string applied(std::string_view json) const;
    // args, meta and result.
    void apply(JobRow& job) const;

private:
    [[nodiscard]] bool hides(std::string_view name) const;
    [[nodiscard]] std::string value(std::string_view json, int depth) const;

    std::vector<std::string> patterns_;
};

} // namespace jobrunner
