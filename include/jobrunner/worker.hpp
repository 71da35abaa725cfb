#pragma once

#include <jobrunner/client.hpp>

#include <functional>
#include <map>
#include <stop_token>
#include <type_traits>

namespace jobrunner {

// What a handler sees of its job, and how it speaks of it.
//
// Lifetime: the handler's call. Threads: the handler's own; stop_token() may be shared.
class JobContext {
public:
    struct Impl;
    explicit JobContext(Impl& impl) : impl_(impl) {}
    JobContext(const JobContext&) = delete;
    JobContext& operator=(const JobContext&) = delete;

    [[nodiscard]] std::int64_t id() const;
    [[nodiscard]] const std::string& kind() const;
    [[nodiscard]] const std::string& queue() const;
    [[nodiscard]] const std::string& args() const; // a JSON object, numbers as they were written
    [[nodiscard]] int attempt() const;             // from 1
    [[nodiscard]] int max_attempts() const;
    [[nodiscard]] const std::string& token() const; // for complete() and fail() of the database

    // What an earlier attempt saved: JSON.
    [[nodiscard]] const std::optional<std::string>& checkpoint() const;
    // Asked to stop: cancelled, out of time, or the worker goes away. A handler that does not return before the worker's
    // lease has passed makes the process exit, since its job may be somebody else's by then.
    [[nodiscard]] std::stop_token stop_token() const;
    [[nodiscard]] bool should_stop() const { return stop_token().stop_requested(); }
    // When its timeout passes; the stop token is triggered then.
    [[nodiscard]] std::optional<std::chrono::steady_clock::time_point> deadline() const;

    // Shown to people while it runs; written some time later, the latest only.
    void progress(std::optional<double> percent, std::optional<std::string> note = {});
    // Handed to the next attempt, should this one not complete; written some time later. Throws ClientError if it is no JSON.
    void save_checkpoint(const std::string& json);
    // A line of the job's log, live to `jobrunner logs --follow`.
    void log(std::string_view line);

    // Completes the job inside the caller's transaction, so that its effects and its completion are one: both happen once,
    // or neither does. Commit it, then return from the handler. A claim that is lost meanwhile throws (pqxx::sql_error,
    // ClientError) and the transaction cannot commit. `result`: JSON.
    void complete_in(pqxx::transaction_base& transaction, const std::optional<std::string>& result = {});
    void complete_in(sqlite3* database, const std::optional<std::string>& result = {});

private:
    Impl& impl_;
};

// How a handler's call ended, where returning or throwing does not say it.
class Outcome {
public:
    // It is done. `result`: JSON.
    [[nodiscard]] static Outcome done(std::optional<std::string> result = {});
    // To be run later, at no cost of attempts; by default after the kind's snooze.
    [[nodiscard]] static Outcome snooze(std::optional<std::chrono::milliseconds> delay = {});

    Outcome() = default;

private:
    friend struct HandlerCaller;
    std::optional<std::string> result_;
    bool snoozed_ = false;
    std::optional<std::chrono::milliseconds> delay_;
};

// Throw it to fail an attempt in words. Any other std::exception fails it, too, and is tried again as the kind says.
class JobFailure : public std::runtime_error {
public:
    // `retry_in`: instead of the kind's backoff.
    explicit JobFailure(const std::string& message, std::optional<std::chrono::milliseconds> retry_in = {})
        : std::runtime_error(message), retry_in_(retry_in)
    {
    }
    // No further attempt: the job is dead at once.
    [[nodiscard]] static JobFailure for_good(const std::string& message)
    {
        JobFailure made(message);
        made.for_good_ = true;
        return made;
    }
    [[nodiscard]] bool is_for_good() const noexcept { return for_good_; }
    [[nodiscard]] std::optional<std::chrono::milliseconds> retry_in() const noexcept { return retry_in_; }

private:
    std::optional<std::chrono::milliseconds> retry_in_;
    bool for_good_ = false;
};

using Handler = std::function<Outcome(JobContext&)>;

// What a kind promises; docs/configuration.md explains each under the same name.
struct KindSettings {
    int max_attempts = 25;
    std::chrono::milliseconds backoff_base{std::chrono::seconds{5}};
    double backoff_factor = 2.0;
    std::chrono::milliseconds backoff_cap{std::chrono::hours{6}};
    double backoff_jitter = 0.1;
    std::optional<std::chrono::milliseconds> timeout{std::chrono::minutes{5}};           // nothing: none
    std::optional<std::chrono::milliseconds> keep_completed{std::chrono::hours{24 * 7}}; // nothing: for ever
};

struct WorkerSettings {
    std::string url; // postgresql://… or sqlite:///path
    std::string schema = "jobrunner";
    int slots = 10; // handlers at a time, a thread each
    std::chrono::milliseconds lease{std::chrono::seconds{30}};
    std::vector<std::string> queues; // none: every one
    std::vector<std::string> labels;
    std::optional<std::string> name; // nothing: the host's
};

// A worker inside a C++ program: claims jobs of the kinds that it was given handlers for, and runs them on threads of its
// own. It is a worker like any other: `jobrunner workers` shows it, others take back its jobs if the program dies.
//
// It installs no signal handlers and writes its log to spdlog's default logger.
// Threads: all methods from one thread at a time; handlers are called from up to `slots` threads at once.
// Errors: ClientError.
class EmbeddedWorker {
public:
    explicit EmbeddedWorker(WorkerSettings settings);
    // Stops at once, if that was not done: handlers are asked to stop and waited for.
    ~EmbeddedWorker();
    EmbeddedWorker(EmbeddedWorker&&) noexcept;
    EmbeddedWorker& operator=(EmbeddedWorker&&) noexcept;

    // Before start(). `handler` is called with JobContext& and returns Outcome or nothing.
    template <typename Function>
    EmbeddedWorker& on(const std::string& kind, Function handler, KindSettings settings = {})
    {
        if constexpr (std::is_same_v<std::invoke_result_t<Function&, JobContext&>, void>) {
            return add(
                kind,
                [handler = std::move(handler)](JobContext& job) mutable {
                    handler(job);
                    return Outcome{};
                },
                settings);
        } else {
            return add(kind, std::move(handler), settings);
        }
    }

    // Begins to work, on threads of its own. A database that is away is waited for; one that does not fit is an error.
    void start();
    // Claims nothing more, lets handlers finish for `at_most`, asks the others to stop and gives their jobs back.
    void stop(std::chrono::milliseconds at_most = std::chrono::seconds{30});
    // Works until there is nothing more to do now, then stops: true; or until `at_most` has passed: false. Jobs that are
    // scheduled or wait for a retry stay.
    [[nodiscard]] bool run_until_idle(std::chrono::milliseconds at_most = std::chrono::seconds{30});
    // What keeps a started worker from working for good; nothing while all is well.
    [[nodiscard]] std::optional<std::string> failure() const;

    // The handlers by kind, as they were given.
    [[nodiscard]] const std::map<std::string, Handler>& handlers() const;

private:
    EmbeddedWorker& add(const std::string& kind, Handler handler, KindSettings settings);

    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace jobrunner
