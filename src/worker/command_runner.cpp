#include "worker/command_runner.hpp"

#include "config/secret_value.hpp"
#include "core/error.hpp"
#include "core/text.hpp"
#include "worker/command_report.hpp"
#include "worker/command_spec.hpp"
#include "worker/job_message.hpp"
#include "worker/random_share.hpp"
#include "worker/run_reports.hpp"

namespace jobrunner {
namespace {

struct CommandOf {
    const KindConfig& kind;
    const CommandConfig& command;
};

CommandOf command_of(const Config& config, const std::string& name)
{
    const KindConfig* kind = find_kind(config, name);
    const auto* command = kind == nullptr ? nullptr : std::get_if<CommandConfig>(&kind->runs);
    if (command == nullptr) {
        throw Error(ErrorKind::not_found, "kind " + name + " is no longer a command here");
    }
    return {*kind, *command};
}

} // namespace

CommandRunner::CommandRunner(
    std::shared_ptr<const Config> config, std::string database_without_password, RunSink& sink)
    : sink_(sink),
      database_(std::move(database_without_password)),
      config_(std::move(config)),
      executor_(std::make_unique<ProcessExecutor>([this](ProcessEvent event) { on_event(std::move(event)); }))
{
}

void CommandRunner::set_config(std::shared_ptr<const Config> config)
{
    const std::lock_guard lock(mutex_);
    config_ = std::move(config);
}

void CommandRunner::start(const ClaimedJob& job)
{
    try {
        std::unique_lock lock(mutex_);
        const auto config = config_;
        const auto& [kind, command] = command_of(*config, job.kind);
        ProcessSpec spec = command_spec(job, command, kind.policy, database_,
            [&](const std::string& name) { return secret_value(*config, name); });
        std::string profile;
        if (command.profile && random_share() < command.profile->share) {
            profile = add_profiler(spec, *command.profile,
                std::to_string(job.token.job) + "-" + std::to_string(job.token.fence) + ".profile");
        }
        spec.key = ++last_key_;
        runs_[spec.key] = {.token = job.token,
            .cause = {},
            .said = {},
            .malformed = {},
            .timeout = spec.timeout.value_or(Milliseconds{0}),
            .profile = std::move(profile)};
        keys_[job.token.job] = spec.key;
        lock.unlock();
        executor_->start(std::move(spec));
    } catch (const Error& error) {
        sink_.done(job.token, not_started_report(error));
    }
}

void CommandRunner::start_chunk(const std::vector<ClaimedJob>& jobs)
{
    try {
        std::unique_lock lock(mutex_);
        const auto config = config_;
        const auto& [kind, command] = command_of(*config, jobs.front().kind);
        ProcessSpec spec = command_chunk_spec(jobs, command, kind.policy, database_,
            [&](const std::string& name) { return secret_value(*config, name); });
        spec.key = ++last_key_;
        chunks_.emplace(spec.key, CommandChunk(jobs, spec.timeout.value_or(Milliseconds{0})));
        for (const auto& job : jobs) {
            keys_[job.token.job] = spec.key;
        }
        lock.unlock();
        executor_->start(std::move(spec));
    } catch (const Error& error) {
        for (const auto& job : jobs) {
            sink_.done(job.token, not_started_report(error));
        }
    }
}

void CommandRunner::stop(const ClaimToken& token, StopCause cause)
{
    std::unique_lock lock(mutex_);
    const auto key = keys_.find(token.job);
    if (key == keys_.end()) {
        return;
    }
    const ProcessKey process = key->second;
    if (const auto chunk = chunks_.find(process); chunk != chunks_.end()) {
        if (!chunk->second.stop(token, cause)) {
            return;
        }
    } else if (runs_.at(process).token == token) {
        runs_.at(process).cause = cause;
    } else {
        return;
    }
    lock.unlock();
    executor_->stop(process, cause == StopCause::cancelled ? "cancelled" : "given back");
}

void CommandRunner::kill_all(StopCause cause)
{
    {
        const std::lock_guard lock(mutex_);
        for (auto& [key, run] : runs_) {
            run.cause = cause;
        }
        for (auto& [key, chunk] : chunks_) {
            chunk.stop_all(cause);
        }
    }
    executor_->kill_all("the worker stops");
}

void CommandRunner::lease_until(std::chrono::nanoseconds boot_time)
{
    executor_->lease_until(BootClock::time_point(boot_time));
}

// Whether it was about a chunk.
bool CommandRunner::take_chunk_event(const ProcessEvent& event)
{
    const ProcessKey key = std::visit([](const auto& about) { return about.key; }, event);
    std::unique_lock lock(mutex_);
    const auto found = chunks_.find(key);
    if (found == chunks_.end()) {
        return false;
    }
    CommandChunk& chunk = found->second;
    Milliseconds extend_by{0};
    if (const auto* output = std::get_if<ProcessOutput>(&event)) {
        chunk.on_output(output->chunks);
    } else if (const auto* message = std::get_if<ProcessMessage>(&event)) {
        extend_by = chunk.on_message(*message);
    } else if (const auto* end = std::get_if<ProcessEnded>(&event)) {
        chunk.on_end(*end);
    }
    for (const JobId id : chunk.take_ended()) {
        if (const auto at = keys_.find(id); at != keys_.end() && at->second == key) {
            keys_.erase(at);
        }
    }
    const auto words = chunk.take_words();
    if (std::holds_alternative<ProcessEnded>(event)) {
        chunks_.erase(found);
    }
    lock.unlock();
    if (extend_by > Milliseconds{0}) {
        executor_->extend(key, extend_by);
    }
    for (const auto& word : words) {
        word(sink_);
    }
    return true;
}

void CommandRunner::on_event(ProcessEvent event)
{
    if (take_chunk_event(event)) {
        return;
    }
    if (const auto* output = std::get_if<ProcessOutput>(&event)) {
        on_output(*output);
    } else if (const auto* message = std::get_if<ProcessMessage>(&event)) {
        on_message(*message);
    } else if (auto* end = std::get_if<ProcessEnded>(&event)) {
        on_end(std::move(*end));
    }
}

void CommandRunner::on_output(const ProcessOutput& output)
{
    std::unique_lock lock(mutex_);
    const auto run = runs_.find(output.key);
    if (run == runs_.end()) {
        return;
    }
    run->second.wrote_live = true;
    const ClaimToken token = run->second.token;
    lock.unlock();
    for (const auto& chunk : output.chunks) {
        sink_.wrote(token, chunk.stream == OutputStream::out ? "out" : "error", scrub_text(chunk.bytes));
    }
}

void CommandRunner::on_message(const ProcessMessage& message)
{
    if (message.too_long) {
        const std::lock_guard lock(mutex_);
        if (const auto run = runs_.find(message.key); run != runs_.end() && run->second.malformed.empty()) {
            run->second.malformed = "a message of the job is over 1 MiB";
        }
        return;
    }
    try {
        take_message(message.key, message.line);
    } catch (const Error& error) {
        const std::lock_guard lock(mutex_);
        if (const auto run = runs_.find(message.key); run != runs_.end() && run->second.malformed.empty()) {
            run->second.malformed = error.what();
        }
    }
}

void CommandRunner::take_message(ProcessKey key, const std::string& line)
{
    auto message = parse_job_message(line);
    std::unique_lock lock(mutex_);
    const auto found = runs_.find(key);
    if (found == runs_.end()) {
        return;
    }
    Run& run = found->second;
    const ClaimToken token = run.token;
    if (auto* end = std::get_if<RunReport>(&message)) {
        run.said = std::move(*end);
        return;
    }
    run.wrote_live = true;
    if (const auto* extend = std::get_if<JobExtend>(&message)) {
        run.timeout += extend->by;
        lock.unlock();
        executor_->extend(key, extend->by);
    } else if (auto* progress = std::get_if<JobProgress>(&message)) {
        lock.unlock();
        if (progress->checkpoint && progress->checkpoint->size() > command_checkpoint_bytes_max) {
            throw Error(ErrorKind::refused,
                "a checkpoint of the job is over 96 KiB, which is what a command can be handed");
        }
        sink_.progressed(
            token, progress->percent, std::move(progress->note), std::move(progress->checkpoint));
    } else {
        lock.unlock();
        sink_.wrote(token, "log", std::get<JobLogLine>(message).line + "\n");
    }
}

void CommandRunner::on_end(ProcessEnded end)
{
    std::unique_lock lock(mutex_);
    const auto found = runs_.find(end.key);
    if (found == runs_.end()) {
        return;
    }
    Run run = std::move(found->second);
    runs_.erase(found);
    if (const auto key = keys_.find(run.token.job); key != keys_.end() && key->second == end.key) {
        keys_.erase(key);
    }
    lock.unlock();

    RunReport report = command_report(end, run.cause, run.timeout);
    note_usage(report, end);
    report.output = (run.profile.empty() ? "" : "profile: " + run.profile + "\n") + text_of(end.output);
    report.wrote_live_output = run.wrote_live;
    // The job's own word counts where it was let to finish: its exit code is then only a detail.
    if (run.said && end.end == ProcessEnd::exited) {
        run.said->exit_code = report.exit_code;
        note_usage(*run.said, end);
        run.said->output = std::move(report.output);
        run.said->wrote_live_output = run.wrote_live;
        const bool both_succeed = run.said->end != RunEnd::succeeded || report.end == RunEnd::succeeded;
        if (both_succeed) {
            report = std::move(*run.said);
        } else {
            report.output = std::move(run.said->output);
        }
    } else if (!run.malformed.empty() && report.end == RunEnd::succeeded) {
        report.end = RunEnd::failed;
        report.error_class = "MalformedMessage";
        report.error = run.malformed;
    }
    sink_.done(run.token, std::move(report));
}

} // namespace jobrunner
