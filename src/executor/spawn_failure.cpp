#include "executor/spawn_failure.hpp"

#include "executor/program_path.hpp"

#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace jobrunner {

namespace {

std::string in_quotes(std::string_view text)
{
    return '"' + std::string(text) + '"';
}

bool exists(const ChildPlan& plan, const std::string& path)
{
    const std::string& directory = plan.command.spec.directory;
    const bool from_directory = !path.starts_with('/') && !directory.empty();
    return ::access((from_directory ? directory + "/" + path : path).c_str(), F_OK) == 0;
}

std::string describe_program(const ChildPlan& plan, const std::string& reason)
{
    const std::string& name = plan.command.spec.argv.front();
    const bool searched = name.find('/') == std::string::npos;
    const std::string failed = "cannot run " + in_quotes(name) + ": ";
    if (plan.error_number == ENOEXEC)
        return failed + "neither a program nor a script with a #! line";
    if (plan.error_number == ENOENT && searched)
        return failed + "not found in PATH " + std::string(search_path(plan.command.spec.environment));
    if (plan.error_number == ENOENT && exists(plan, name))
        return failed + "the interpreter that it names was not found";
    return failed + reason;
}

std::string describe_step(const ChildPlan& plan)
{
    const ProcessSpec& spec = plan.command.spec;
    switch (plan.failed_step) {
    case ChildStep::user_groups:
    case ChildStep::user_group:
    case ChildStep::user:
        return "cannot become user " + in_quotes(spec.user.value_or(""));
    case ChildStep::directory:
        return "cannot enter directory " + in_quotes(spec.directory);
    case ChildStep::priority:
        return "cannot set nice to " + std::to_string(spec.nice);
    case ChildStep::limits:
        return "cannot set the resource limits";
    case ChildStep::privileges:
        return "cannot set no_new_privs";
    case ChildStep::parent:
        return "cannot tie the process to its supervisor";
    default:
        return "cannot set up the process";
    }
}

} // namespace

std::string describe_failure(const ChildPlan& plan)
{
    const std::string reason = std::generic_category().message(plan.error_number);
    return plan.failed_step == ChildStep::program ? describe_program(plan, reason)
                                                  : describe_step(plan) + ": " + reason;
}

} // namespace jobrunner
