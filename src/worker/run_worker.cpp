#include "worker/run_worker.hpp"

#include "config/database_url.hpp"
#include "worker/check_user.hpp"
#include "worker/command_runner.hpp"
#include "worker/hook_runner.hpp"
#include "worker/http_runner.hpp"
#include "worker/progress_line.hpp"
#include "worker/runner_set.hpp"
#include "worker/service_runner.hpp"
#include "worker/sql_runner.hpp"
#include "worker/worker.hpp"
#include "worker/worker_log.hpp"

#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <initializer_list>

namespace jobrunner {
namespace {

// The signals that operators send, taken from a descriptor.
class Signals {
public:
    Signals()
    {
        sigset_t set;
        sigemptyset(&set);
        for (const int number : {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2}) {
            sigaddset(&set, number);
        }
        ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
        ::signal(SIGPIPE, SIG_IGN);
        descriptor_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    }
    ~Signals() { ::close(descriptor_); }
    Signals(const Signals&) = delete;
    Signals& operator=(const Signals&) = delete;

    // The next signal, or 0 after that time.
    [[nodiscard]] int wait(Milliseconds at_most) const
    {
        pollfd poll{descriptor_, POLLIN, 0};
        signalfd_siginfo info{};
        if (::poll(&poll, 1, static_cast<int>(at_most.count())) <= 0 ||
            ::read(descriptor_, &info, sizeof info) != static_cast<ssize_t>(sizeof info)) {
            return 0;
        }
        return static_cast<int>(info.ssi_signo);
    }

private:
    int descriptor_ = -1;
};

WorkerOptions worker_options(const WorkOptions& options, const Config& config)
{
    WorkerOptions worker;
    worker.worker = config.worker;
    worker.worker.slots = options.slots.value_or(config.worker.slots);
    worker.queue_limits = config.queues;
    worker.queues = options.queues;
    worker.database = options.database;
    for (const auto& kind : config.kinds) {
        worker.kinds.push_back(kind.policy);
    }
    if (config.schedules) {
        worker.schedules.emplace();
        for (const auto& one : *config.schedules) {
            worker.schedules->push_back({one.name, one.expression, one.time_zone, one.kind, one.args,
                one.options, one.overlap, one.missed, one.jitter});
        }
    }
    return worker;
}

// More statements at once than that slow each other down rather than finish earlier.
constexpr int sql_sessions_max = 16;

// A call that takes longer is no reason not to stop.
constexpr Milliseconds hooks_end_within{5'000};

// In the order of KindConfig::runs.
RunnerSet::Runners make_runners(
    const WorkOptions& options, const std::shared_ptr<const Config>& config, RunSink& sink)
{
    RunnerSet::Runners runners;
    runners[0] = std::make_unique<CommandRunner>(config, without_password(options.database.url), sink);
    runners[1] = std::make_unique<ServiceRunner>(config, without_password(options.database.url), sink);
    runners[2] = std::make_unique<HttpRunner>(config, sink);
    const int slots = options.slots.value_or(config->worker.slots);
    runners[3] =
        std::make_unique<SqlRunner>(config, options.database, std::min(slots, sql_sessions_max), sink);
    return runners;
}

// The main thread's part: signals, systemd, progress.
class WorkLoop {
public:
    explicit WorkLoop(const WorkOptions& options)
        : options_(options),
          config_(std::make_shared<const Config>(options.config)),
          watch_(options.watch ? options.watch([this] { return figures(); }) : nullptr),
          hooks_(config_, without_password(options.database.url)),
          worker_(
              worker_options(options, *config_),
              [&](RunSink& sink) {
                  auto runners =
                      std::make_unique<RunnerSet>(config_, make_runners(options, config_, sink), sink);
                  runners_ = runners.get();
                  return runners;
              },
              &hooks_)
    {
        shown_ = &worker_;
    }
    ~WorkLoop() { watch_.reset(); } // While there is a worker to be asked.
    WorkLoop(const WorkLoop&) = delete;
    WorkLoop& operator=(const WorkLoop&) = delete;

    int run(const Signals& signals)
    {
        sd_notify(0, "READY=1\nSTATUS=working");
        ProgressLine progress(options_.progress);
        const bool quick = options_.until_idle || options_.progress;
        while (!stopping_) {
            handle(signals.wait(Milliseconds(quick ? 20 : 1000)));
            feed_watchdog();
            progress.show(worker_);
            stopping_ = stopping_ || worker_.failure() || (options_.until_idle && worker_.idle());
        }
        sd_notify(0, "STOPPING=1\nSTATUS=draining");
        spdlog::info("worker_stopping running={}", worker_.running());
        worker_.stop(hurry_ ? Milliseconds{0} : config_->worker.shutdown_timeout, [&] {
            const int number = signals.wait(Milliseconds{0});
            hurry_ = hurry_ || number == SIGTERM || number == SIGINT || number == SIGQUIT;
            feed_watchdog();
            progress.show(worker_);
            return hurry_;
        });
        hooks_.drain(hurry_ ? Milliseconds{0} : hooks_end_within);
        return leave();
    }

private:
    [[nodiscard]] WorkerFigures figures() const
    {
        const Worker* const worker = shown_;
        return worker != nullptr ? worker->figures() : WorkerFigures{};
    }

    void handle(int number)
    {
        switch (number) {
        case SIGQUIT:
            hurry_ = true;
            [[fallthrough]];
        case SIGTERM:
        case SIGINT:
            stopping_ = true;
            break;
        case SIGHUP:
            reload();
            break;
        case SIGUSR1:
            spdlog::info("worker_quiet");
            worker_.set_quiet(true);
            break;
        case SIGUSR2:
            spdlog::info("worker_active");
            worker_.set_quiet(false);
            break;
        default:
            break;
        }
    }

    void reload()
    {
        if (options_.config_path.empty()) {
            return;
        }
        sd_notify(0, "RELOADING=1");
        try {
            auto loaded = std::make_shared<const Config>(load_config(options_.config_path));
            check_user(*loaded);
            config_ = std::move(loaded);
            runners_->set_config(config_);
            hooks_.set_config(config_);
            worker_.reconfigure(worker_options(options_, *config_));
            spdlog::info("config_reloaded file={} kinds={}", options_.config_path, config_->kinds.size());
        } catch (const Error& error) {
            spdlog::error("config_refused file={} error={}", options_.config_path, log_value(error.what()));
        }
        sd_notify(0, "READY=1");
    }

    static void feed_watchdog() { sd_notify(0, "WATCHDOG=1"); }

    [[nodiscard]] int leave() const
    {
        const auto& counts = worker_.counts();
        spdlog::info("worker_stopped completed={} failed={} dead={} lost={}", counts.completed.load(),
            counts.failed.load(), counts.dead.load(), counts.lost.load());
        if (const auto failure = worker_.failure()) {
            throw Error(*failure);
        }
        return EXIT_SUCCESS;
    }

    const WorkOptions& options_;
    std::shared_ptr<const Config> config_;
    RunnerSet* runners_ = nullptr;              // the worker's
    std::atomic<const Worker*> shown_{nullptr}; // once it is there
    std::shared_ptr<void> watch_;
    HookRunner hooks_;
    Worker worker_;
    bool stopping_ = false;
    bool hurry_ = false;
};

} // namespace

int run_worker(const WorkOptions& options)
{
    check_user(options.config);
    const Signals signals;
    // Progress takes the place of the routine log lines on a terminal.
    set_up_log(
        options.progress && options.log_level == "info" ? "error" : options.log_level, options.log_format);
    // A schema that does not fit, or a URL that is none, is said at once; a database that is away is waited for.
    try {
        static_cast<void>(open_storage(options.database));
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::unreachable) {
            throw;
        }
        spdlog::warn("database_away error={}", log_value(error.what()));
    }
    return WorkLoop(options).run(signals);
}

} // namespace jobrunner
