#include "worker/command_spec.hpp"

#include "core/error.hpp"

#include <doctest/doctest.h>

#include <algorithm>

using namespace jobrunner;

namespace {

ClaimedJob job_with(const std::string& args)
{
    ClaimedJob job;
    job.token = {42, 3, 99};
    job.kind = "file.digest";
    job.queue = "default";
    job.args = args;
    job.attempt = 2;
    job.attempt_limit = 5;
    return job;
}

CommandConfig digest()
{
    CommandConfig command;
    command.argv = {ArgsTemplate::parse("digest"), ArgsTemplate::parse("--file={args.path}")};
    return command;
}

bool has(const ProcessSpec& spec, const std::string& entry)
{
    return std::find(spec.environment.begin(), spec.environment.end(), entry) != spec.environment.end();
}

} // namespace

TEST_CASE("command spec: an argument stays one argument, whatever it holds")
{
    const auto spec = command_spec(job_with(R"({"path": "a b; rm -rf $HOME"})"), digest(), {}, "");

    CHECK(spec.argv == std::vector<std::string>{"digest", "--file=a b; rm -rf $HOME"});
    CHECK(spec.stdin_data == R"({"path": "a b; rm -rf $HOME"})");
}

TEST_CASE("command spec: a job is told about itself, and gets nothing of the worker's environment")
{
    const auto spec = command_spec(job_with(R"({"path": "x"})"), digest(), {}, "postgresql:///shop");

    CHECK(has(spec, "JOBRUNNER_JOB_ID=42"));
    CHECK(has(spec, "JOBRUNNER_KIND=file.digest"));
    CHECK(has(spec, "JOBRUNNER_ATTEMPT=2"));
    CHECK(has(spec, "JOBRUNNER_MAX_ATTEMPTS=5"));
    CHECK(has(spec, "JOBRUNNER_TOKEN=42.3.99"));
    CHECK(spec.environment.size() == 7); // with the queue and PATH
    CHECK_FALSE(has(spec, "JOBRUNNER_DATABASE=postgresql:///shop"));
}

TEST_CASE("command spec: a profiler is started first, and told where the profile goes")
{
    auto spec = command_spec(job_with(R"({"path": "{file}"})"), digest(), {}, "");

    const auto file =
        add_profiler(spec, {.command = {"perf", "--to={file}", "--"}, .directory = "/var/p"}, "42-3.profile");

    CHECK(file == "/var/p/42-3.profile");
    CHECK(spec.argv ==
        std::vector<std::string>{"perf", "--to=/var/p/42-3.profile", "--", "digest", "--file={file}"});
}

TEST_CASE("command spec: a chunk's jobs come as lines, and its time is the shortest of theirs")
{
    auto first = job_with(R"({"path": "x"})");
    auto second = job_with("{\n}");
    second.token.job = 43;
    second.timeout = Milliseconds{5'000};
    CommandConfig command;
    command.argv = {ArgsTemplate::parse("digest"), ArgsTemplate::parse("{{all}}")};
    KindPolicy policy;
    policy.kind = "file.digest";
    policy.timeout = Milliseconds{60'000};

    const auto spec = command_chunk_spec({first, second}, command, policy, "");

    CHECK(spec.argv == std::vector<std::string>{"digest", "{all}"});
    CHECK(std::count(spec.stdin_data.begin(), spec.stdin_data.end(), '\n') == 2);
    CHECK(spec.stdin_data.starts_with(R"({"type":"job","id":"42","kind":"file.digest")"));
    CHECK(spec.timeout == Milliseconds{5'000});
    CHECK(has(spec, "JOBRUNNER_CHUNK=2"));
    CHECK(has(spec, "JOBRUNNER_INSTANCE=chunk-42.3.99"));
    CHECK_FALSE(has(spec, "JOBRUNNER_TOKEN=42.3.99"));
}

TEST_CASE("command spec: the database is told only where the kind asks for it")
{
    CommandConfig command = digest();
    command.pass_database = true;

    CHECK(has(command_spec(job_with(R"({"path": "x"})"), command, {}, "postgresql:///shop"),
        "JOBRUNNER_DATABASE=postgresql:///shop"));
}

TEST_CASE("command spec: the row's own timeout wins over the kind's")
{
    ClaimedJob job = job_with(R"({"path": "x"})");
    CHECK(command_spec(job, digest(), {}, "").timeout == Milliseconds{300'000});

    job.timeout = Milliseconds{1500};
    CHECK(command_spec(job, digest(), {}, "").timeout == Milliseconds{1500});
}

TEST_CASE("command spec: an argument that cannot be filled in is refused, and named")
{
    CHECK_THROWS_WITH_AS(static_cast<void>(command_spec(job_with("{}"), digest(), {}, "")),
        doctest::Contains("args.path"), Error);
}

TEST_CASE("command spec: a value is not taken for an option of the program")
{
    CommandConfig command;
    command.argv = {ArgsTemplate::parse("sort"), ArgsTemplate::parse("{args.path}")};
    const auto job = job_with(R"({"path": "--compress-program=sh"})");
    const auto argv = [&] { return command_spec(job, command, {}, "").argv; };

    CHECK_THROWS_WITH_AS(
        static_cast<void>(argv()), doctest::Contains("{args.path} begins with a dash"), Error);

    command.allow_leading_dash = true;
    CHECK(argv().back() == "--compress-program=sh");

    command.allow_leading_dash = false;
    command.argv.insert(command.argv.begin() + 1, ArgsTemplate::parse("--"));
    CHECK(argv().back() == "--compress-program=sh");
}

TEST_CASE("command spec: a dash behind a literal, or in a literal, is the configuration's own")
{
    CommandConfig command;
    command.argv = {ArgsTemplate::parse("head"), ArgsTemplate::parse("-n{args.lines}"),
        ArgsTemplate::parse("./{args.path}"), ArgsTemplate::parse("--"), ArgsTemplate::parse("{args.path}")};

    const auto spec = command_spec(job_with(R"({"lines": -3, "path": "-x"})"), command, {}, "");

    CHECK(spec.argv == std::vector<std::string>{"head", "-n-3", "./-x", "--", "-x"});
}
