#include "cli/commands.hpp"
#include "client/check_job.hpp"
#include "client/read_number.hpp"
#include "web/worker_page.hpp"

namespace jobrunner {
namespace {

struct WorkFlags {
    std::vector<std::string> queues;
    std::optional<std::string> slots;
    bool until_idle = false;
    bool progress = false;
};

// Shows the worker where the configuration says so.
WorkOptions::Watch watch_of(const Config& config)
{
    if (config.worker.metrics.empty()) {
        return {};
    }
    return [web = config.web, address = config.worker.metrics](std::function<WorkerFigures()> figures) {
        try {
            return serve_worker_page(web, address, std::move(figures));
        } catch (const Error& error) {
            throw Error(error.kind(), "worker.metrics: " + std::string(error.what()));
        }
    };
}

int work(Session& session, const WorkFlags& flags)
{
    WorkOptions options;
    for (const auto& queue : flags.queues) {
        check_name(queue, "--queues");
    }
    options.queues = flags.queues;
    if (flags.slots) {
        options.slots = read_int(*flags.slots, "--slots", {1, 10'000});
    }
    options.config = session.config();
    options.database = session.database();
    options.until_idle = flags.until_idle;
    options.progress = flags.progress || (flags.until_idle && session.host().err_is_terminal);
    options.log_level = session.log_level();
    options.log_format = session.log_format();
    options.config_path = options.config.path;
    options.watch = watch_of(options.config);
    return session.host().run_worker(options);
}

} // namespace

void add_work_command(CommandTree& tree)
{
    const auto flags = std::make_shared<WorkFlags>();
    auto& command =
        tree.add({.name = "work",
                     .about = "Runs jobs until it is stopped. SIGTERM and Ctrl-C let running jobs end.",
                     .examples = "jobrunner work\njobrunner work --queues mail,default --slots 20\n"
                                 "jobrunner work --until-idle",
                     .group = "Setting up"},
            [flags](Session& session) { return work(session, *flags); });
    add_texts(command, "--queues", flags->queues, "Only these queues (default: all)", "QUEUE");
    add_text(command, "--slots", flags->slots, "Jobs at the same time (default: the configuration's)", "N");
    command.add_flag("--until-idle", flags->until_idle, "Stop when no job is left that may run now");
    command.add_flag("--progress", flags->progress, "Say how far it is, on a terminal or not");
}

} // namespace jobrunner
