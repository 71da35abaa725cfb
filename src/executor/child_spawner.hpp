#pragma once

#include "executor/descriptor.hpp"
#include "executor/supervisor_protocol.hpp"

#include <sys/resource.h>
#include <sys/types.h>

#include <memory>
#include <string>
#include <variant>

namespace jobrunner {

// A child that runs its program, and the reading ends of its pipes, which do not wait.
struct SpawnedChild {
    pid_t pid = 0;
    Descriptor output;
    Descriptor error;
    Descriptor messages; // none for an interactive one
    Descriptor input;    // the writing end, for an interactive one only
};

struct SpawnFailure {
    int error_number = 0;
    std::string what;
};

// Starts the supervisor's children.
//
// A child is made by clone(2) as vfork does it: it runs in the supervisor's memory while that waits. It also
// runs with the supervisor's descriptors, of which it takes along 0 to 3 only. So these four are
// the next child's while one is being made, and /dev/null otherwise, and making a child costs the
// same whatever number of others is running.
//
// Threads: the process has one only.
class ChildSpawner {
public:
    // Takes over descriptors 0 to 3. `open_files` is the limit that children have unless theirs says otherwise.
    // Requires: all other descriptors are closed on exec; all signals are blocked and have
    // their default actions. Throws std::system_error.
    explicit ChildSpawner(const rlimit& open_files);

    [[nodiscard]] std::variant<SpawnedChild, SpawnFailure> spawn(const StartCommand& command);

private:
    struct Stack {
        void operator()(char* begin) const;
    };

    void close_descriptors() const;
    [[nodiscard]] std::variant<SpawnedChild, SpawnFailure> run(
        const StartCommand& command, SpawnedChild child);

    rlimit open_files_;
    bool shares_descriptors_;
    Descriptor null_;
    std::unique_ptr<char, Stack> stack_;
};

} // namespace jobrunner
