#include "library/job_context.hpp"

#include "core/json_text.hpp"
#include "core/text.hpp"
#include "library/sqlite_statement.hpp"
#include "library/translate.hpp"

#include <pqxx/pqxx>

#include <algorithm>

namespace jobrunner {
namespace {

constexpr std::size_t output_bytes_max = std::size_t{64} * 1024;

void require_json(const std::string& json, const char* name)
{
    translated([&] { check_json(json, name); });
}

} // namespace

void JobContext::Impl::require_database() const
{
    if (!schema) {
        throw ClientError("complete_in: the handler was called without a database", false);
    }
}

std::int64_t JobContext::id() const
{
    return impl_.job.token.job;
}

const std::string& JobContext::kind() const
{
    return impl_.job.kind;
}

const std::string& JobContext::queue() const
{
    return impl_.job.queue;
}

const std::string& JobContext::args() const
{
    return impl_.job.args;
}

int JobContext::attempt() const
{
    return impl_.job.attempt;
}

int JobContext::max_attempts() const
{
    return impl_.job.attempt_limit;
}

const std::string& JobContext::token() const
{
    return impl_.token;
}

const std::optional<std::string>& JobContext::checkpoint() const
{
    return impl_.job.checkpoint;
}

std::stop_token JobContext::stop_token() const
{
    return impl_.stop;
}

std::optional<std::chrono::steady_clock::time_point> JobContext::deadline() const
{
    return impl_.deadline;
}

void JobContext::progress(std::optional<double> percent, std::optional<std::string> note)
{
    if (percent) {
        percent = std::clamp(*percent, 0.0, 100.0);
    }
    if (note) {
        note = scrub_text(*note);
    }
    impl_.sink.progressed(impl_.job.token, percent, std::move(note), std::nullopt);
}

void JobContext::save_checkpoint(const std::string& json)
{
    require_json(json, "checkpoint");
    impl_.sink.progressed(impl_.job.token, std::nullopt, std::nullopt, json);
}

void JobContext::log(std::string_view line)
{
    auto text = scrub_text(line) + "\n";
    impl_.output += text;
    if (impl_.output.size() > 2 * output_bytes_max) {
        impl_.output.erase(0, impl_.output.size() - output_bytes_max);
    }
    impl_.wrote = true;
    impl_.sink.wrote(impl_.job.token, "log", std::move(text));
}

void JobContext::complete_in(pqxx::transaction_base& transaction, const std::optional<std::string>& result)
{
    impl_.require_database();
    impl_.completed_in = true;
    transaction.exec_params(
        "SELECT " + transaction.conn().quote_name(*impl_.schema) + ".complete($1::text, $2::jsonb)",
        impl_.token, result ? result->c_str() : nullptr);
}

void JobContext::complete_in(sqlite3* database, const std::optional<std::string>& result)
{
    impl_.require_database();
    impl_.completed_in = true;
    SqliteStatement(database, "INSERT INTO complete (token, result) VALUES (?1, ?2)")
        .bind(impl_.token)
        .bind(result)
        .number();
}

Outcome Outcome::done(std::optional<std::string> result)
{
    Outcome outcome;
    outcome.result_ = std::move(result);
    return outcome;
}

Outcome Outcome::snooze(std::optional<std::chrono::milliseconds> delay)
{
    Outcome outcome;
    outcome.snoozed_ = true;
    outcome.delay_ = delay;
    return outcome;
}

RunReport HandlerCaller::call(const Handler& handler, JobContext::Impl& impl)
{
    RunReport report;
    JobContext context(impl);
    try {
        auto outcome = handler(context);
        report.end = outcome.snoozed_ ? RunEnd::snoozed : RunEnd::succeeded;
        report.delay = outcome.delay_;
        if (outcome.result_) {
            require_json(*outcome.result_, "result");
            report.result = std::move(outcome.result_);
        }
        if (impl.completed_in) {
            // The settler finds that the job settled itself and leaves it at that, unless it did not.
            report.end = RunEnd::failed;
            report.error = "the handler returned, but the transaction of its complete_in() was not committed";
        }
    } catch (const JobFailure& failure) {
        report.end = failure.is_for_good() ? RunEnd::failed_for_good : RunEnd::failed;
        report.delay = failure.retry_in();
        report.error = scrub_text(failure.what());
        report.error_class = "jobrunner::JobFailure";
    }
    if (impl.output.size() > output_bytes_max) {
        impl.output.erase(0, impl.output.size() - output_bytes_max);
    }
    report.output = scrub_text(impl.output); // the cut may be inside of a character
    report.wrote_live_output = impl.wrote;
    return report;
}

} // namespace jobrunner
