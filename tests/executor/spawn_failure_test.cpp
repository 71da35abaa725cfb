#include "executor_fixture.hpp"

#include "support/skip.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace jobrunner;
using namespace jobrunner::tests;

namespace {

struct Folder {
    Folder()
    {
        std::string pattern = (std::filesystem::temp_directory_path() / "spawn_failure_XXXXXX").string();
        path = ::mkdtemp(pattern.data());
    }
    ~Folder() { std::filesystem::remove_all(path); }

    std::string add(const std::string& name, const std::string& text, mode_t mode) const
    {
        const std::string file = path + "/" + name;
        std::ofstream(file) << text;
        ::chmod(file.c_str(), mode);
        return file;
    }

    std::string path;
};

} // namespace

TEST_CASE_FIXTURE(
    ExecutorFixture, "spawn: a program that is nowhere in the PATH of its own environment is named")
{
    const ProcessEnded ended =
        run({.key = 1, .argv = {"no-such-program"}, .environment = {"PATH=/nowhere:/bin"}});

    CHECK(ended.end == ProcessEnd::spawn_failed);
    CHECK(ended.error_number == ENOENT);
    CHECK(ended.error == R"(cannot run "no-such-program": not found in PATH /nowhere:/bin)");
}

TEST_CASE_FIXTURE(ExecutorFixture, "spawn: the PATH of the child's environment decides")
{
    const Folder folder;
    folder.add("tool", "#!/bin/sh\necho mine\n", 0755);

    const ProcessEnded ended =
        run({.key = 1, .argv = {"tool"}, .environment = {"PATH=/nowhere:" + folder.path + ":/bin"}});

    CHECK(output_of(ended) == "mine\n");
}

TEST_CASE_FIXTURE(ExecutorFixture, "spawn: a relative path is looked up from the child's directory")
{
    const Folder folder;
    folder.add("tool", "#!/bin/sh\necho mine\n", 0755);

    CHECK(output_of(run({.key = 1, .argv = {"./tool"}, .directory = folder.path})) == "mine\n");
}

TEST_CASE_FIXTURE(ExecutorFixture, "spawn: what may not be executed is told apart from what is missing")
{
    const Folder folder;
    const std::string plain = folder.add("plain", "text", 0644);
    const std::string text = folder.add("text", "no shebang", 0755);
    const std::string script = folder.add("script", "#!/no/such/interpreter\n", 0755);

    const ProcessEnded denied = run({.key = 1, .argv = {plain}});
    const ProcessEnded no_program = run({.key = 2, .argv = {text}});
    const ProcessEnded no_interpreter = run({.key = 3, .argv = {script}});

    CHECK(denied.error_number == EACCES);
    CHECK(denied.error == "cannot run \"" + plain + "\": Permission denied");
    CHECK(no_program.error == "cannot run \"" + text + "\": neither a program nor a script with a #! line");
    CHECK(
        no_interpreter.error == "cannot run \"" + script + "\": the interpreter that it names was not found");
}

TEST_CASE_FIXTURE(ExecutorFixture, "spawn: a directory that is not there is named")
{
    const ProcessEnded ended = run({.key = 1, .argv = {"true"}, .directory = "/no/such"});

    CHECK(ended.end == ProcessEnd::spawn_failed);
    CHECK(ended.error == R"(cannot enter directory "/no/such": No such file or directory)");
}

TEST_CASE_FIXTURE(ExecutorFixture, "spawn: an unknown user is named")
{
    const ProcessEnded ended = run({.key = 1, .argv = {"true"}, .user = "no-such-user"});

    CHECK(ended.end == ProcessEnd::spawn_failed);
    CHECK(ended.error == R"(there is no user "no-such-user")");
}

TEST_CASE_FIXTURE(
    ExecutorFixture, "spawn: another user's process has that user's groups and may open its own streams")
{
    if (::geteuid() != 0)
        return note_skipped("only root can run a process as another user");
    ProcessSpec spec = shell(1, "id -un; id -Gn; cat /dev/stdin >/dev/stdout");
    spec.stdin_data = "input";
    spec.user = "nobody";

    CHECK(output_of(run(spec)) == "nobody\nnogroup\ninput");
}

TEST_CASE_FIXTURE(ExecutorFixture, "spawn: a NUL in an argument is refused, not cut off")
{
    const ProcessEnded ended = run({.key = 1, .argv = {"echo", std::string("a\0b", 3)}});

    CHECK(ended.end == ProcessEnd::spawn_failed);
    CHECK(ended.error == "argument 1 holds a NUL byte");
}

TEST_CASE_FIXTURE(ExecutorFixture, "spawn: no program, no assignment, too much: refused with the reason")
{
    ProcessSpec large{.key = 3, .argv = {"true"}};
    large.stdin_data.resize(process_spec_bytes_max);

    CHECK(run({.key = 1}).error == "no program was given");
    CHECK(run({.key = 2, .argv = {"true"}, .environment = {"novalue"}}).error ==
        "an entry of the environment is not NAME=value");
    CHECK(run(large).error == "arguments, environment and standard input are over 67108864 bytes");
}

TEST_CASE_FIXTURE(ExecutorFixture, "spawn: arguments that the kernel finds too long are a failure to spawn")
{
    const ProcessEnded ended = run({.key = 1, .argv = {"true", std::string(200'000, 'x')}});

    CHECK(ended.end == ProcessEnd::spawn_failed);
    CHECK(ended.error_number == E2BIG);
}

TEST_CASE_FIXTURE(ExecutorFixture, "spawn: after a failure the next process runs as ever")
{
    for (ProcessKey key = 1; key <= 50; ++key)
        REQUIRE(run({.key = key, .argv = {"/no/such/program"}}).end == ProcessEnd::spawn_failed);

    CHECK(output_of(run(shell(51, "echo well"))) == "well\n");
}
