#include "worker/command_spec.hpp"

#include "core/args_template.hpp"
#include "core/error.hpp"
#include "core/job_timeout.hpp"
#include "worker/service_lines.hpp"

#include <algorithm>
#include <cstdlib>

namespace jobrunner {
namespace {

using Environment = std::map<std::string, std::string>;

// What every job is told about itself.
void describe_job(Environment& environment, const ClaimedJob& job)
{
    environment["JOBRUNNER_JOB_ID"] = std::to_string(job.token.job);
    environment["JOBRUNNER_KIND"] = job.kind;
    environment["JOBRUNNER_QUEUE"] = job.queue;
    environment["JOBRUNNER_ATTEMPT"] = std::to_string(job.attempt);
    environment["JOBRUNNER_MAX_ATTEMPTS"] = std::to_string(job.attempt_limit);
    environment["JOBRUNNER_TOKEN"] = to_text(job.token);
    if (job.traceparent) {
        environment["TRACEPARENT"] = *job.traceparent;
    }
    if (job.checkpoint && job.checkpoint->size() <= command_checkpoint_bytes_max) {
        environment["JOBRUNNER_CHECKPOINT"] = *job.checkpoint;
    }
}

Environment environment_of(
    const CommandConfig& command, const std::string& database, const ReadSecret& read_secret)
{
    Environment environment{{"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}};
    for (const auto& name : command.pass_environment) {
        if (const char* value = std::getenv(name.c_str())) {
            environment[name] = value;
        }
    }
    for (const auto& [name, value] : command.environment) {
        environment[name] = value;
    }
    for (const auto& [name, secret] : command.secret_environment) {
        environment[name] = read_secret(secret);
    }
    if (command.pass_database) {
        environment["JOBRUNNER_DATABASE"] = database;
    }
    return environment;
}

ProcessLimits limits_of(const ResourceLimits& resources)
{
    ProcessLimits limits;
    limits.memory_bytes = resources.memory_bytes;
    if (resources.cpu) {
        limits.cpu_seconds = static_cast<std::uint64_t>(resources.cpu->count() / 1000);
    }
    if (resources.open_files) {
        limits.open_files = static_cast<std::uint64_t>(*resources.open_files);
    }
    if (resources.processes) {
        limits.processes = static_cast<std::uint64_t>(*resources.processes);
    }
    limits.file_size_bytes = resources.file_size_bytes;
    return limits;
}

ProcessSpec process_of(const CommandConfig& command, const Environment& environment)
{
    ProcessSpec spec{};
    for (const auto& [name, value] : environment) {
        spec.environment.push_back(name + "=" + value);
    }
    spec.directory = command.directory;
    spec.grace = command.grace;
    spec.output_bytes_max = command.output_max;
    spec.limits = limits_of(command.resources);
    spec.user = command.user;
    if (command.umask) {
        spec.umask = static_cast<mode_t>(*command.umask);
    }
    spec.nice = command.nice;
    spec.no_new_privileges = command.no_new_privileges;
    return spec;
}

// The program and its arguments. A value that began with a dash would be read as an option of the program's: a row must not
// choose one, unless the kind allows it or "--" stands before it.
std::vector<std::string> arguments_of(
    const CommandConfig& command, const ClaimedJob& job, const TemplateJob& about)
{
    const ArgsView args(job.args);
    std::vector<std::string> arguments;
    bool may_be_option = !command.allow_leading_dash;
    for (const auto& argument : command.argv) {
        auto text = argument.fill(args, about);
        if (may_be_option && text.starts_with('-') && argument.begins_with_args()) {
            throw Error(ErrorKind::refused,
                "the value of " + argument.text() +
                    " begins with a dash; a value that is no option was expected (a \"--\" before it, or "
                    "allow_leading_dash = true, lets it through)");
        }
        may_be_option = may_be_option && text != "--";
        arguments.push_back(std::move(text));
    }
    return arguments;
}

// Those of a kind whose jobs do not choose any.
std::vector<std::string> literal_arguments(const CommandConfig& command)
{
    std::vector<std::string> arguments;
    for (const auto& argument : command.argv) {
        arguments.push_back(argument.fill(ArgsView("{}"), {}));
    }
    return arguments;
}

} // namespace

ProcessSpec command_spec(const ClaimedJob& job, const CommandConfig& command, const KindPolicy& policy,
    const std::string& database_without_password, const ReadSecret& read_secret)
{
    const TemplateJob about{
        .id = job.token.job, .kind = job.kind, .queue = job.queue, .attempt = job.attempt};
    auto environment = environment_of(command, database_without_password, read_secret);
    describe_job(environment, job);
    ProcessSpec spec = process_of(command, environment);
    spec.argv = arguments_of(command, job, about);
    spec.stdin_data = job.args;
    spec.timeout = timeout_of(job, policy);
    return spec;
}

std::string add_profiler(ProcessSpec& spec, const ProfileConfig& profile, const std::string& name)
{
    constexpr std::string_view place = "{file}";
    const std::string file = profile.directory + "/" + name;
    std::vector<std::string> argv = profile.command;
    for (auto& argument : argv) {
        if (const auto at = argument.find(place); at != std::string::npos) {
            argument.replace(at, place.size(), file);
        }
    }
    argv.insert(argv.end(), spec.argv.begin(), spec.argv.end());
    spec.argv = std::move(argv);
    return file;
}

ProcessSpec command_chunk_spec(const std::vector<ClaimedJob>& jobs, const CommandConfig& command,
    const KindPolicy& policy, const std::string& database_without_password, const ReadSecret& read_secret)
{
    auto environment = environment_of(command, database_without_password, read_secret);
    environment["JOBRUNNER_KIND"] = policy.kind;
    environment["JOBRUNNER_CHUNK"] = std::to_string(jobs.size());
    environment["JOBRUNNER_INSTANCE"] = "chunk-" + to_text(jobs.front().token);
    ProcessSpec spec = process_of(command, environment);
    spec.argv = literal_arguments(command);
    spec.timeout = timeout_of(jobs, policy);
    for (const auto& job : jobs) {
        spec.stdin_data += service_job_line(job, spec.timeout);
    }
    return spec;
}

ProcessSpec service_spec(const CommandConfig& command, const std::string& database_without_password,
    const std::string& instance, const ReadSecret& read_secret)
{
    // A job's cancel message had the whole grace already.
    constexpr Milliseconds last_grace{1'000};
    auto environment = environment_of(command, database_without_password, read_secret);
    environment["JOBRUNNER_INSTANCE"] = instance;
    ProcessSpec spec = process_of(command, environment);
    spec.argv = literal_arguments(command);
    spec.interactive = true;
    spec.grace = std::min(spec.grace, last_grace);
    spec.live_after = Milliseconds{0};
    return spec;
}

} // namespace jobrunner
