#include "executor/child_spawner.hpp"

#include "executor/child_plan.hpp"
#include "executor/spawn_failure.hpp"
#include "executor/stdin_source.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cerrno>
#include <climits>
#include <csignal>
#include <system_error>

namespace jobrunner {

namespace {

constexpr std::size_t stack_bytes = std::size_t{64} * 1024;
constexpr int child_descriptors = 4;

[[noreturn]] void fail(const char* what)
{
    throw std::system_error(errno, std::generic_category(), what);
}

char* map_stack()
{
    void* memory =
        ::mmap(nullptr, stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED)
        fail("cannot map a stack");
    ::mprotect(memory, 4096, PROT_NONE);
    return static_cast<char*>(memory);
}

// Linux before 5.9 cannot leave a shared table of descriptors; there the child gets a copy of the table, and exec
// closes what is not its own.
bool can_leave_descriptors()
{
    return ::syscall(SYS_close_range, UINT_MAX, UINT_MAX, CLOSE_RANGE_UNSHARE) == 0;
}

void place(int descriptor, int child_descriptor)
{
    if (::dup2(descriptor, child_descriptor) < 0)
        fail("cannot place a descriptor");
}

// Makes a pipe whose writing end is the child's. Only the reading end must not wait.
Descriptor make_output(int child_descriptor)
{
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
        fail("cannot make a pipe");
    Descriptor reading(ends[0]);
    const Descriptor writing(ends[1]);
    ::fcntl(reading.get(), F_SETFL, O_NONBLOCK);
    place(writing.get(), child_descriptor);
    return reading;
}

// Makes a pipe whose reading end is the child's standard input. Only the writing end must not wait.
Descriptor make_input()
{
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
        fail("cannot make a pipe");
    const Descriptor reading(ends[0]);
    Descriptor writing(ends[1]);
    ::fcntl(writing.get(), F_SETFL, O_NONBLOCK);
    place(reading.get(), 0);
    return writing;
}

// Or another user's child could not open /dev/stdout and the like.
void give_to(const std::optional<Credentials>& owner, int child_descriptor)
{
    if (owner && ::fchown(child_descriptor, owner->user, owner->group) != 0)
        fail("cannot hand over a descriptor");
}

SpawnedChild make_descriptors(const StartCommand& command)
{
    if (!command.spec.stdin_data.empty()) {
        place(make_stdin(command.spec.stdin_data).get(), 0);
        give_to(command.credentials, 0);
    }
    SpawnedChild child;
    child.output = make_output(1);
    child.error = make_output(2);
    if (command.spec.interactive) {
        child.input = make_input();
        give_to(command.credentials, 0);
    } else {
        child.messages = make_output(3);
        give_to(command.credentials, 3);
    }
    for (const int child_descriptor : {1, 2})
        give_to(command.credentials, child_descriptor);
    return child;
}

} // namespace

void ChildSpawner::Stack::operator()(char* begin) const
{
    ::munmap(begin, stack_bytes);
}

ChildSpawner::ChildSpawner(const rlimit& open_files)
    : open_files_(open_files), shares_descriptors_(can_leave_descriptors()), stack_(map_stack())
{
    Descriptor null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    null_.reset(::fcntl(null.get(), F_DUPFD_CLOEXEC, child_descriptors));
    null.reset();
    if (!null_)
        fail("cannot open /dev/null");
    close_descriptors();
}

void ChildSpawner::close_descriptors() const
{
    for (int descriptor = 0; descriptor < child_descriptors; ++descriptor)
        ::dup2(null_.get(), descriptor);
}

std::variant<SpawnedChild, SpawnFailure> ChildSpawner::run(const StartCommand& command, SpawnedChild child)
{
    ChildPlan plan(command, open_files_);
    plan.shares_descriptors = shares_descriptors_;
    const int flags = CLONE_VM | CLONE_VFORK | (shares_descriptors_ ? CLONE_FILES : 0) | SIGCHLD;
    child.pid = ::clone(become_program, stack_.get() + stack_bytes, flags, &plan);
    if (child.pid < 0)
        return SpawnFailure{errno, "cannot make a process: " + std::generic_category().message(errno)};
    if (plan.error_number == 0)
        return child;
    ::waitpid(child.pid, nullptr, 0);
    return SpawnFailure{plan.error_number, describe_failure(plan)};
}

std::variant<SpawnedChild, SpawnFailure> ChildSpawner::spawn(const StartCommand& command)
{
    try {
        auto result = run(command, make_descriptors(command));
        close_descriptors();
        return result;
    } catch (const std::system_error& error) {
        close_descriptors();
        return SpawnFailure{error.code().value(), error.what()};
    }
}

} // namespace jobrunner
