#include "executor_fixture.hpp"

#include <doctest/doctest.h>

#include <csignal>

using namespace jobrunner;
using namespace jobrunner::tests;
using namespace std::chrono_literals;

TEST_CASE_FIXTURE(ExecutorFixture, "run: a program that exits tells its exit code")
{
    const ProcessEnded ended = run(shell(1, "exit 75"));

    CHECK(ended.end == ProcessEnd::exited);
    CHECK(ended.exit_code == 75);
    CHECK(ended.signal == 0);
}

TEST_CASE_FIXTURE(ExecutorFixture, "run: a program that dies of a signal tells which")
{
    const ProcessEnded ended = run(shell(1, "kill -USR1 $$"));

    CHECK(ended.end == ProcessEnd::signalled);
    CHECK(ended.signal == SIGUSR1);
}

TEST_CASE_FIXTURE(ExecutorFixture, "run: signals have their default actions, and none is blocked")
{
    const ProcessEnded ended = run(shell(1, "grep -E 'Sig(Blk|Ign)' /proc/self/status"));

    CHECK(output_of(ended) == "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST_CASE_FIXTURE(ExecutorFixture, "run: standard input is what was given, then the end")
{
    ProcessSpec spec = shell(1, "cat");
    spec.stdin_data = R"({"path":"a.txt"})";

    CHECK(output_of(run(spec)) == spec.stdin_data);
}

TEST_CASE_FIXTURE(ExecutorFixture, "run: standard input of a megabyte arrives whole")
{
    ProcessSpec spec = shell(1, "sha256sum; head -c 1 | wc -c");
    for (int line = 0; line < 1024 * 1024 / 16; ++line)
        spec.stdin_data += "0123456789abcde\n";

    const ProcessEnded ended = run(spec);

    CHECK(output_of(ended) == "107b265e8f4929e55502f5983fa1aeecf470db365011336380497fbf43603339  -\n0\n");
}

TEST_CASE_FIXTURE(ExecutorFixture, "run: a program that does not read its input is no trouble")
{
    ProcessSpec spec = shell(1, "exit 0");
    spec.stdin_data.assign(1024 * 1024, 'x');

    CHECK(run(spec).exit_code == 0);
}

TEST_CASE_FIXTURE(ExecutorFixture, "run: no input is an empty standard input")
{
    CHECK(output_of(run(shell(1, "wc -c"))) == "0\n");
}

TEST_CASE_FIXTURE(ExecutorFixture, "run: the environment is the given one and nothing else")
{
    REQUIRE(::setenv("PGPASSWORD", "secret", 1) == 0);
    ProcessSpec spec{.key = 1, .argv = {"env"}, .environment = {"A=1", "B=two words"}};

    CHECK(output_of(run(spec)) == "A=1\nB=two words\n");
    ::unsetenv("PGPASSWORD");
}

TEST_CASE_FIXTURE(ExecutorFixture, "run: descriptors 0 to 3 are open and no others")
{
    // The fourth is the shell's own, for the folder that it lists.
    const ProcessEnded ended = run(shell(1, "cd /proc/$$/fd; echo *; test -p 1 && test -p 2 && test -p 3"));

    CHECK(output_of(ended) == "0 1 2 3 4\n");
    CHECK(ended.exit_code == 0);
}

TEST_CASE_FIXTURE(ExecutorFixture, "run: the child leads a process group and has no terminal")
{
    const ProcessEnded ended = run(shell(1, "cut -d' ' -f5,7 /proc/self/stat; : </dev/tty"));

    const std::string pid = std::to_string(events.wait_for_start(1));
    CHECK(output_of(ended) == pid + " 0\n");
    CHECK(ended.exit_code != 0);
}

TEST_CASE_FIXTURE(ExecutorFixture, "run: the directory is the given one")
{
    ProcessSpec spec = shell(1, "pwd");
    spec.directory = "/usr";

    CHECK(output_of(run(spec)) == "/usr\n");
}

TEST_CASE_FIXTURE(ExecutorFixture, "run: umask, nice and limits are set")
{
    ProcessSpec spec = shell(1, "umask; nice; ulimit -n; ulimit -v; ulimit -t; ulimit -f");
    spec.umask = 027;
    spec.nice = 3;
    spec.limits.open_files = 64;
    spec.limits.memory_bytes = 512 * 1024 * 1024;
    spec.limits.cpu_seconds = 20;
    spec.limits.file_size_bytes = 512 * 100;

    CHECK(output_of(run(spec)) == "0027\n3\n64\n524288\n20\n100\n");
}

TEST_CASE_FIXTURE(ExecutorFixture, "run: a program over its CPU limit dies of SIGXCPU")
{
    ProcessSpec spec = shell(1, "while :; do :; done");
    spec.limits.cpu_seconds = 1;

    const ProcessEnded ended = run(spec);

    CHECK(ended.end == ProcessEnd::signalled);
    CHECK(ended.signal == SIGXCPU);
    // The kernel counts for the limit by clock ticks and for the bill by running time: on a crowded machine the two
    // differ by a lot, so how much it was is not said here.
    CHECK(ended.cpu >= 100ms);
    CHECK(ended.wall >= 100ms);
}

TEST_CASE_FIXTURE(ExecutorFixture, "run: no new privileges, unless they are wanted")
{
    ProcessSpec spec = shell(1, "grep NoNewPrivs /proc/self/status");
    ProcessSpec privileged = spec;
    privileged.key = 2;
    privileged.no_new_privileges = false;

    CHECK(output_of(run(spec)) == "NoNewPrivs:\t1\n");
    CHECK(output_of(run(privileged)) == "NoNewPrivs:\t0\n");
}

TEST_CASE_FIXTURE(ExecutorFixture, "run: what a program costs is told")
{
    const ProcessEnded ended = run(shell(1, "head -c 50000000 /dev/zero | sort -S 60M >/dev/null"));

    CHECK(ended.exit_code == 0);
    CHECK(ended.max_rss_bytes > 40'000'000);
    CHECK(ended.wall > 0ms);
}

TEST_CASE_FIXTURE(ExecutorFixture, "run: a key may be used again once its end was delivered")
{
    CHECK(run(shell(1, "exit 3")).exit_code == 3);
    CHECK(executor.running() == 0);

    executor.start(shell(1, "sleep 60"));

    CHECK_THROWS(executor.start(shell(1, "exit 4")));
    CHECK(executor.running() == 1);
}
