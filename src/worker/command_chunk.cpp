#include "worker/command_chunk.hpp"

#include "core/error.hpp"
#include "core/text.hpp"
#include "worker/command_report.hpp"
#include "worker/run_reports.hpp"

namespace jobrunner {

CommandChunk::CommandChunk(const std::vector<ClaimedJob>& jobs, Milliseconds timeout)
    : first_(jobs.front().token.job), timeout_(timeout)
{
    for (const auto& job : jobs) {
        runs_.emplace(job.token.job, Run{job.token});
    }
}

void CommandChunk::say_end(const ClaimToken& token, RunReport report)
{
    ended_.push_back(token.job);
    words_.emplace_back([token, said = std::move(report)](RunSink& sink) { sink.done(token, said); });
}

void CommandChunk::on_output(const std::vector<OutputChunk>& chunks)
{
    Run& first = runs_.at(first_);
    first.wrote_live = true;
    for (const auto& chunk : chunks) {
        words_.emplace_back(
            [token = first.token, stream = chunk.stream == OutputStream::out ? "out" : "error",
                text = scrub_text(chunk.bytes)](RunSink& sink) { sink.wrote(token, stream, text); });
    }
}

Milliseconds CommandChunk::on_message(const ProcessMessage& message)
{
    try {
        if (message.too_long) {
            throw Error(ErrorKind::refused, "a message of the job is over 1 MiB");
        }
        const auto parsed = parse_service_message(message.line);
        if (const auto* about = std::get_if<ServiceJobMessage>(&parsed)) {
            return take(*about);
        }
        throw Error(ErrorKind::refused, "a message of the job is malformed: ready is for services");
    } catch (const Error& error) {
        malformed_ = malformed_.empty() ? error.what() : malformed_;
    }
    return Milliseconds{0};
}

Milliseconds CommandChunk::take(const ServiceJobMessage& message)
{
    const auto found = runs_.find(message.job);
    if (found == runs_.end()) {
        throw Error(ErrorKind::refused, "a message is about a job that the command does not have");
    }
    Run& run = found->second;
    if (!message.message) {
        if (message.is_end) {
            run.said = failed_report(RunEnd::failed, "MalformedMessage", message.problem);
        } else if (run.malformed.empty()) {
            run.malformed = message.problem;
        }
    } else if (const auto* end = std::get_if<RunReport>(&*message.message)) {
        run.said = *end;
    } else if (const auto* extend = std::get_if<JobExtend>(&*message.message)) {
        timeout_ += extend->by;
        return extend->by;
    } else if (const auto* progress = std::get_if<JobProgress>(&*message.message)) {
        run.wrote_live = true;
        words_.emplace_back([token = run.token, said = *progress](RunSink& sink) {
            sink.progressed(token, said.percent, said.note, said.checkpoint);
        });
    } else {
        run.wrote_live = true;
        words_.emplace_back([token = run.token, line = std::get<JobLogLine>(*message.message).line + "\n"](
                                RunSink& sink) { sink.wrote(token, "log", line); });
    }
    if (run.said && message.job != first_) {
        run.said->wrote_live_output = run.wrote_live;
        say_end(run.token, std::move(*run.said));
        runs_.erase(found);
    }
    return Milliseconds{0};
}

bool CommandChunk::stop(const ClaimToken& token, StopCause cause)
{
    const auto found = runs_.find(token.job);
    if (found == runs_.end() || found->second.token != token) {
        return false;
    }
    found->second.cause = found->second.cause.value_or(cause);
    stopped_ = true;
    return true;
}

void CommandChunk::stop_all(StopCause cause)
{
    for (auto& [id, run] : runs_) {
        run.cause = run.cause.value_or(cause);
    }
    stopped_ = true;
}

RunReport CommandChunk::report_of(const Run& run, const ProcessEnded& end) const
{
    if (run.said) {
        return *run.said;
    }
    if (end.end == ProcessEnd::stopped && stopped_ && !run.cause) {
        return failed_report(RunEnd::released, {}, "its chunk was stopped for another job");
    }
    auto report = command_report(end, run.cause, timeout_);
    const std::string& malformed = run.malformed.empty() ? malformed_ : run.malformed;
    if (report.end == RunEnd::succeeded && !malformed.empty()) {
        report = failed_report(RunEnd::failed, "MalformedMessage", malformed);
    }
    return report;
}

void CommandChunk::on_end(const ProcessEnded& end)
{
    for (const auto& [id, run] : std::exchange(runs_, {})) {
        auto report = report_of(run, end);
        report.output = text_of(end.output);
        report.wrote_live_output = run.wrote_live;
        if (id == first_) {
            note_usage(report, end);
        }
        say_end(run.token, std::move(report));
    }
}

} // namespace jobrunner
