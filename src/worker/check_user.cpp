#include "worker/check_user.hpp"

#include "core/error.hpp"

#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace jobrunner {
namespace {

// The process that the kind starts, or none.
const CommandConfig* started_process(const KindConfig& kind)
{
    if (const auto* service = std::get_if<ServiceConfig>(&kind.runs)) {
        return &service->process;
    }
    return std::get_if<CommandConfig>(&kind.runs);
}

void refuse_root(const std::string& what, const KindConfig& kind)
{
    const auto* process = started_process(kind);
    if (process != nullptr && (!process->user || *process->user == "root")) {
        throw Error(ErrorKind::usage,
            what + " \"" + kind.policy.kind +
                "\" would run as root; another user for the worker, user = \"NAME\" in the " + what +
                ", or allow_root = true in [worker] (JOBRUNNER_ALLOW_ROOT=1 in its environment) was "
                "expected");
    }
}

} // namespace

void check_user(const Config& config, uid_t effective, bool allowed)
{
    if (effective != 0 || allowed || config.worker.allow_root) {
        return;
    }
    for (const auto& kind : config.kinds) {
        refuse_root("kind", kind);
    }
    for (const auto& hook : config.hooks) {
        refuse_root("hook", hook.call);
    }
}

void check_user(const Config& config)
{
    const char* allowed = std::getenv("JOBRUNNER_ALLOW_ROOT");
    check_user(config, ::geteuid(), allowed != nullptr && std::string_view(allowed) == "1");
}

} // namespace jobrunner
