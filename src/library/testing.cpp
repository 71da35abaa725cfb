#include "jobrunner/testing.hpp"

#include "core/json_text.hpp"
#include "library/job_context.hpp"
#include "library/translate.hpp"

#include <nlohmann/json.hpp>

#include <typeinfo>

namespace jobrunner::testing {
namespace {

constexpr int looked_at_max = 10'000;

// Keeps what a handler says.
class Recorder final : public RunSink {
public:
    explicit Recorder(Performed& performed) : performed_(performed) {}
    void done(const ClaimToken& /*token*/, RunReport /*report*/) override {}
    void wrote(const ClaimToken& /*token*/, const std::string& /*stream*/, std::string text) override
    {
        text.pop_back(); // the line's end
        performed_.log.push_back(std::move(text));
    }
    void progressed(const ClaimToken& /*token*/, std::optional<double> percent,
        std::optional<std::string> /*note*/, std::optional<std::string> checkpoint) override
    {
        performed_.percent = percent ? percent : performed_.percent;
        performed_.checkpoint = checkpoint ? std::move(checkpoint) : performed_.checkpoint;
    }

private:
    Performed& performed_;
};

std::string outcome_of(RunEnd end)
{
    switch (end) {
    case RunEnd::succeeded:
        return "completed";
    case RunEnd::snoozed:
        return "snoozed";
    case RunEnd::failed_for_good:
        return "dead";
    default:
        return "failed";
    }
}

std::string shown(const std::vector<UnfinishedJob>& jobs)
{
    std::string text = jobs.empty() ? " none" : "";
    for (const auto& job : jobs) {
        text += "\n  " + std::to_string(job.id) + " " + job.state + " " + job.args;
    }
    return text;
}

bool has_members(const nlohmann::json& args, const nlohmann::json& wanted)
{
    return std::ranges::all_of(wanted.items(), [&](const auto& member) {
        const auto found = args.find(member.key());
        return found != args.end() && *found == member.value();
    });
}

} // namespace

Performed perform(const EmbeddedWorker& worker, const std::string& kind, const std::string& args,
    const std::optional<std::string>& checkpoint)
{
    const auto handler = worker.handlers().find(kind);
    if (handler == worker.handlers().end()) {
        throw ClientError("kind \"" + kind + "\" has no handler", false);
    }
    translated([&] { check_json_object(args, "args"); });
    ClaimedJob job;
    job.token = {.job = 1, .fence = 1, .worker = 1};
    job.kind = kind;
    job.queue = "default";
    job.args = args;
    job.attempt = 1;
    job.attempt_limit = 1;
    job.checkpoint = checkpoint;

    Performed performed;
    Recorder recorder(performed);
    JobContext::Impl context{.job = job,
        .token = to_text(job.token),
        .stop = {},
        .deadline = {},
        .sink = recorder,
        .schema = std::nullopt};
    RunReport report;
    try {
        report = HandlerCaller::call(handler->second, context);
    } catch (const std::exception& error) {
        report.end = RunEnd::failed;
        report.error = error.what();
        report.error_class = class_name(error);
    }
    performed.outcome = outcome_of(report.end);
    performed.result = std::move(report.result);
    performed.error = std::move(report.error);
    performed.error_class = std::move(report.error_class);
    performed.delay = report.delay;
    return performed;
}

std::int64_t require_enqueued(Client& client, const std::string& kind, const std::string& args)
{
    translated([&] { check_json_object(args, "args"); });
    const auto wanted = nlohmann::json::parse(args);
    const auto jobs = client.unfinished(kind, looked_at_max);
    for (const auto& job : jobs) {
        if (has_members(nlohmann::json::parse(job.args), wanted)) {
            return job.id;
        }
    }
    throw ClientError("an unfinished job of kind \"" + kind + "\" with args " + args +
            " was expected; there are:" + shown(jobs),
        false);
}

void require_none_enqueued(Client& client, const std::string& kind)
{
    if (const auto jobs = client.unfinished(kind); !jobs.empty()) {
        throw ClientError(
            "no unfinished job of kind \"" + kind + "\" was expected; there are:" + shown(jobs), false);
    }
}

} // namespace jobrunner::testing
