#include "library/job_context.hpp"
#include "library/translate.hpp"
#include "worker/worker.hpp"

#include <thread>

namespace jobrunner {
namespace {

KindPolicy policy_of(const std::string& kind, const KindSettings& settings)
{
    KindPolicy policy;
    policy.kind = kind;
    policy.max_attempts = settings.max_attempts;
    policy.retry.base = settings.backoff_base;
    policy.retry.factor = settings.backoff_factor;
    policy.retry.cap = settings.backoff_cap;
    policy.retry.jitter = settings.backoff_jitter;
    policy.timeout = settings.timeout;
    policy.keep = settings.keep_completed;
    return policy;
}

// What the database's constraints would say when the worker is at work already.
void check(const std::string& kind, const KindSettings& settings)
{
    const auto refuse = [&](const std::string& what) {
        throw ClientError("kind \"" + kind + "\": " + what, false);
    };
    if (settings.max_attempts < 1) {
        refuse("max_attempts is " + std::to_string(settings.max_attempts) + "; at least 1 was expected");
    }
    if (settings.backoff_base.count() < 1 || settings.backoff_base > settings.backoff_cap) {
        refuse("backoff_base is " + format_duration(settings.backoff_base) +
            "; more than nothing and at most backoff_cap was expected");
    }
    if (!(settings.backoff_factor >= 1.0)) {
        refuse("backoff_factor: at least 1 was expected");
    }
    if (!(settings.backoff_jitter >= 0.0 && settings.backoff_jitter <= 1.0)) {
        refuse("backoff_jitter: 0 to 1 was expected");
    }
    if (settings.timeout && settings.timeout->count() < 1) {
        refuse("timeout: more than nothing was expected");
    }
}

} // namespace

struct EmbeddedWorker::Impl {
    WorkerSettings settings;
    std::map<std::string, Handler> handlers;
    std::map<std::string, KindPolicy> policies;
    std::unique_ptr<Worker> worker;

    [[nodiscard]] WorkerOptions options() const
    {
        WorkerOptions options;
        options.worker.slots = settings.slots;
        options.worker.lease = settings.lease;
        options.worker.labels = settings.labels;
        options.worker.name = settings.name;
        options.queues = settings.queues;
        options.database.url = settings.url;
        options.database.schema = settings.schema;
        for (const auto& [kind, policy] : policies) {
            options.kinds.push_back(policy);
        }
        return options;
    }

    [[nodiscard]] std::unique_ptr<JobRunner> make_runner(RunSink& sink) const
    {
        std::map<std::string, HandlerKind> kinds;
        for (const auto& [kind, handler] : handlers) {
            kinds[kind] = {[&handler, &sink, this](const HandlerCall& call) {
                               JobContext::Impl context{.job = call.job,
                                   .token = to_text(call.job.token),
                                   .stop = call.stop,
                                   .deadline = call.deadline,
                                   .sink = sink,
                                   .schema = settings.schema};
                               return HandlerCaller::call(handler, context);
                           },
                policies.at(kind).timeout};
        }
        return std::make_unique<HandlerRunner>(std::move(kinds), settings.slots, sink);
    }
};

EmbeddedWorker::EmbeddedWorker(WorkerSettings settings) : impl_(std::make_unique<Impl>())
{
    if (settings.slots < 1) {
        throw ClientError("slots is " + std::to_string(settings.slots) + "; at least 1 was expected", false);
    }
    if (settings.lease < std::chrono::seconds{1}) {
        throw ClientError(
            "lease is " + format_duration(settings.lease) + "; at least 1s was expected", false);
    }
    impl_->settings = std::move(settings);
}

EmbeddedWorker::~EmbeddedWorker() = default;
EmbeddedWorker::EmbeddedWorker(EmbeddedWorker&&) noexcept = default;
EmbeddedWorker& EmbeddedWorker::operator=(EmbeddedWorker&&) noexcept = default;

EmbeddedWorker& EmbeddedWorker::add(const std::string& kind, Handler handler, KindSettings settings)
{
    check(kind, settings);
    if (impl_->worker) {
        throw ClientError("kind \"" + kind + "\": handlers must be given before start()", false);
    }
    if (!impl_->handlers.emplace(kind, std::move(handler)).second) {
        throw ClientError("kind \"" + kind + "\" has a handler already", false);
    }
    impl_->policies[kind] = policy_of(kind, settings);
    return *this;
}

void EmbeddedWorker::start()
{
    if (impl_->worker) {
        throw ClientError("the worker was started already", false);
    }
    translated([&] {
        try {
            static_cast<void>(open_storage(impl_->options().database));
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::unreachable) {
                throw;
            }
        }
        impl_->worker = std::make_unique<Worker>(
            impl_->options(), [this](RunSink& sink) { return impl_->make_runner(sink); });
    });
}

void EmbeddedWorker::stop(std::chrono::milliseconds at_most)
{
    if (impl_->worker) {
        impl_->worker->stop(at_most, [] { return false; });
        impl_->worker.reset();
    }
}

bool EmbeddedWorker::run_until_idle(std::chrono::milliseconds at_most)
{
    const auto until = std::chrono::steady_clock::now() + at_most;
    start();
    while (!impl_->worker->idle() && !impl_->worker->failure() && std::chrono::steady_clock::now() < until) {
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    const bool idle = impl_->worker->idle();
    const auto problem = failure();
    stop(Milliseconds{0});
    if (problem) {
        throw ClientError(*problem, false);
    }
    return idle;
}

std::optional<std::string> EmbeddedWorker::failure() const
{
    const auto failure = impl_->worker ? impl_->worker->failure() : std::nullopt;
    return failure ? std::optional<std::string>(failure->what()) : std::nullopt;
}

const std::map<std::string, Handler>& EmbeddedWorker::handlers() const
{
    return impl_->handlers;
}

} // namespace jobrunner
