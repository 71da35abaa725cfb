#include "executor/supervisor_process.hpp"

#include "core/error.hpp"
#include "executor/frame_channel.hpp"
#include "executor/supervisor_protocol.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <system_error>
#include <vector>

namespace jobrunner {

namespace {

constexpr int child_socket = 3;
constexpr std::chrono::milliseconds hello_limit{10'000};
constexpr std::chrono::milliseconds end_limit{10'000};

// Set for a supervisor. A program that finds it set and comes to make an executor was started as a supervisor and did
// not notice; it would start supervisors without end.
constexpr const char* mark_of_supervisors = "JOBRUNNER_SUPERVISOR";

[[noreturn]] void fail(const std::string& program, const std::string& why)
{
    throw Error(ErrorKind::internal, "cannot start the supervisor " + program + ": " + why);
}

// What the dynamic linker and the sanitizers want to know, and nothing else: the worker's environment may
// hold secrets.
std::vector<std::string> supervisor_environment()
{
    std::vector<std::string> environment{std::string(mark_of_supervisors) + "=1"};
    for (const char* name :
        {"LD_LIBRARY_PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS"})
        if (const char* value = std::getenv(name))
            environment.push_back(std::string(name) + "=" + value);
    return environment;
}

// posix_spawn(3)'s settings: a session of its own, all signals as they are by default, no descriptors but
// the three standard ones and the socket.
class SpawnSettings {
public:
    explicit SpawnSettings(int socket)
    {
        sigset_t all;
        sigset_t none;
        sigfillset(&all);
        sigemptyset(&none);
        ::posix_spawnattr_init(&attributes);
        ::posix_spawnattr_setsigdefault(&attributes, &all);
        ::posix_spawnattr_setsigmask(&attributes, &none);
        ::posix_spawnattr_setflags(
            &attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawn_file_actions_adddup2(&actions, socket, child_socket);
        ::posix_spawn_file_actions_addclosefrom_np(&actions, child_socket + 1);
    }
    ~SpawnSettings()
    {
        ::posix_spawn_file_actions_destroy(&actions);
        ::posix_spawnattr_destroy(&attributes);
    }
    SpawnSettings(const SpawnSettings&) = delete;
    SpawnSettings& operator=(const SpawnSettings&) = delete;

    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
};

pid_t spawn_supervisor(const std::string& program, int socket)
{
    const SpawnSettings settings(socket);
    std::array<std::string, 3> arguments{"jobrunner", supervisor_argument, std::to_string(child_socket)};
    std::array<char*, 4> argv{arguments[0].data(), arguments[1].data(), arguments[2].data(), nullptr};
    auto environment = supervisor_environment();
    std::vector<char*> envp;
    for (std::string& entry : environment)
        envp.push_back(entry.data());
    envp.push_back(nullptr);

    pid_t pid = -1;
    const int error = ::posix_spawn(
        &pid, program.c_str(), &settings.actions, &settings.attributes, argv.data(), envp.data());
    if (error != 0)
        fail(program, std::generic_category().message(error));
    return pid;
}

bool is_readable(int descriptor, std::chrono::milliseconds limit)
{
    pollfd item{descriptor, POLLIN, 0};
    return ::poll(&item, 1, static_cast<int>(limit.count())) > 0;
}

} // namespace

SupervisorProcess::SupervisorProcess(const std::string& program)
{
    if (std::getenv(mark_of_supervisors) != nullptr)
        fail(program, "this process was started as one; its main() has to call run_supervisor()");
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        fail(program, std::generic_category().message(errno));
    socket_.reset(ends[0]);
    Descriptor theirs(ends[1]);
    pid_ = spawn_supervisor(program, theirs.get());
    theirs.reset(); // or its death would not be seen
    if (!says_hello()) {
        kill();
        fail(program, "it does not answer; main() of that program has to call run_supervisor()");
    }
}

SupervisorProcess::~SupervisorProcess()
{
    end();
}

bool SupervisorProcess::says_hello() const
{
    FrameSource source(frame_payload_bytes_max);
    const auto give_up_at = std::chrono::steady_clock::now() + hello_limit;
    while (!source.has_frame()) {
        const auto left = give_up_at - std::chrono::steady_clock::now();
        if (left.count() <= 0 ||
            !is_readable(socket_.get(), std::chrono::ceil<std::chrono::milliseconds>(left)) ||
            source.receive(socket_.get()) == FrameSource::Received::closed)
            return false;
    }
    const auto event = decode_event(*source.next());
    const auto* hello = std::get_if<SupervisorHello>(&event);
    return hello != nullptr && hello->version == supervisor_protocol_version;
}

bool SupervisorProcess::end()
{
    socket_.reset();
    if (pid_ < 0)
        return true;
    const Descriptor process(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
    const bool has_exited = process && is_readable(process.get(), end_limit);
    if (!has_exited)
        ::kill(pid_, SIGKILL);
    return wait() && has_exited;
}

void SupervisorProcess::kill()
{
    if (pid_ >= 0)
        ::kill(pid_, SIGKILL);
    wait();
}

bool SupervisorProcess::wait()
{
    int status = 0;
    pid_t waited = 0;
    while (pid_ >= 0 && (waited = ::waitpid(pid_, &status, 0)) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return waited > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

} // namespace jobrunner
