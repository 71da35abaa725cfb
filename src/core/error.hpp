#pragma once

#include <stdexcept>
#include <string>

namespace jobrunner {

// What went wrong, as far as a caller can act on it. The CLI's exit codes follow from it.
enum class ErrorKind {
    usage,        // wrong arguments, configuration or input: nothing was done        (exit 2)
    refused,      // the database refused a value; the message names field and reason (exit 2)
    not_found,    // no such job, queue or worker                                     (exit 3)
    not_possible, // not possible in the job's present state                          (exit 4)
    unreachable,  // the database is not there, or the connection broke               (exit 5)
    in_doubt,     // the connection broke at COMMIT: it may or may not have happened  (exit 5)
    outdated,     // schema and binary do not fit                                     (exit 2)
    internal      // anything else                                                    (exit 1)
};

// The one exception type of jobrunner. The message is one line for people: it names the thing,
// what is wrong with it and what was expected. It never holds a payload or a secret.
class Error : public std::runtime_error {
public:
    Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}

    [[nodiscard]] ErrorKind kind() const noexcept { return kind_; }

private:
    ErrorKind kind_;
};

} // namespace jobrunner
